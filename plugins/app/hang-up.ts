import type { FastifyReply } from 'fastify'

/**
 * A signal that aborts when the client hangs up before it has its answer, unless `counts` says that this does not matter. It is not
 * Fastify's `request.signal`, which follows the stream of the request: one without a body has ended before it began (src/http/server.ts).
 */
export function hangUp(reply: FastifyReply, counts: () => boolean = () => true): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished && counts()) controller.abort()
  })
  return controller.signal
}
