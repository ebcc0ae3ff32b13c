import type { FastifyReply } from 'fastify'

/**
 * A signal that aborts when the client hangs up before it has its answer, if `counts` returns true at that moment.
 * Fastify's `request.signal` does not work here: it follows the stream of the request, which Node has already ended if
 * there is no body (src/http/server.ts).
 */
export function abortOnHangUp(reply: FastifyReply, counts: () => boolean = () => true): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished && counts()) controller.abort()
  })
  return controller.signal
}
