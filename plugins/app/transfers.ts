import fp from 'fastify-plugin'
import { Places } from '#limits/places.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A hook for routes with large bodies or answers: limits how many run at a time in this process, and per account or
     * network.
     */
    limitTransfers(request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

const MAX_TRANSFERS = 16
const MAX_TRANSFERS_PER_CLIENT = 2
const RETRY_AFTER_S = 2

/** Files are held in memory while they are transferred: this bounds how many there are at a time. */
export default fp(
  async (app) => {
    const places = new Places({
      what: 'exports and imports',
      code: 'TOO_MANY_TRANSFERS',
      max: MAX_TRANSFERS,
      maxPerHolder: MAX_TRANSFERS_PER_CLIENT,
      retryAfterS: RETRY_AFTER_S
    })
    app.decorate('limitTransfers', async (request, reply) => {
      reply.raw.once('close', places.take(request.account?.id ?? app.networkOf(request)))
    })
  },
  { name: 'transfers', dependencies: ['identity', 'rate-limit'] }
)
