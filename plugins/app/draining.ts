import { setTimeout as sleep } from 'node:timers/promises'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Call it before `close`. A request may be on its way on an idle connection, and would be lost if that were closed.
     * So for a moment all requests are still answered, each with `Connection: close`, and `/health/ready` tells load
     * balancers to go elsewhere.
     */
    drain(): Promise<void>
    isDraining(): boolean
  }
}

const DRAIN_MS = 500
const SWEEP_MS = 50

/** Graceful shutdown: connections are not reused while the service stops. */
export default fp(
  async (app) => {
    let draining = false
    let timer: NodeJS.Timeout | undefined
    app.decorate('isDraining', () => draining)
    app.decorate('drain', async () => {
      // A worker may have no server.
      if (!app.server.listening) return
      draining = true
      await sleep(DRAIN_MS)
    })
    app.addHook('onRequest', (_request, reply, done) => {
      if (draining) reply.header('Connection', 'close')
      done()
    })
    // From now on Fastify itself ends connections with their answers; this also closes those that become idle later.
    app.addHook('preClose', (done) => {
      draining = true
      timer = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS)
      done()
    })
    app.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'draining' }
)
