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
/** A client keeps its place until its file has arrived, or been read: accounts of one network must not take all places. */
const MAX_TRANSFERS_PER_NETWORK = 4
const RETRY_AFTER_S = 2

/** Files are held in memory while they are transferred: this bounds how many there are at a time. */
export default fp(
  async (app) => {
    const options = { what: 'exports and imports', code: 'TOO_MANY_TRANSFERS', retryAfterS: RETRY_AFTER_S } as const
    const ofNetworks = new Places({ ...options, max: 0, maxPerHolder: MAX_TRANSFERS_PER_NETWORK })
    const places = new Places({ ...options, max: MAX_TRANSFERS, maxPerHolder: MAX_TRANSFERS_PER_CLIENT })
    app.decorate('limitTransfers', async (request, reply) => {
      const network = app.networkOf(request)
      reply.raw.once('close', ofNetworks.take(network))
      reply.raw.once('close', places.take(request.account?.id ?? network))
    })
  },
  { name: 'transfers', dependencies: ['identity', 'rate-limit'] }
)
