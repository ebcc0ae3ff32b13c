import { setTimeout as sleep } from 'node:timers/promises'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Before a close: a connection that is closed while idle may have a request under way to it, which would be lost. So for a
     * moment everything is still answered, each connection ends with its answer, and `/health/ready` sends balancers elsewhere.
     */
    drain(): Promise<void>
    isDraining(): boolean
  }
}

const DRAIN_MS = 500
const SWEEP_MS = 50

/** Nobody keeps a connection open for a next request while the service stops. */
export default fp(
  async (app) => {
    let draining = false
    let timer: NodeJS.Timeout | undefined
    app.decorate('isDraining', () => draining)
    app.decorate('drain', async () => {
      // A worker listens to nobody.
      if (!app.server.listening) return
      draining = true
      await sleep(DRAIN_MS)
    })
    app.addHook('onRequest', (_request, reply, done) => {
      if (draining) reply.header('Connection', 'close')
      done()
    })
    // From here on Fastify itself ends each connection with its answer; those that become idle later are closed too.
    app.addHook('preClose', (done) => {
      draining = true
      timer = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS)
      done()
    })
    app.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'draining' }
)
