import fp from 'fastify-plugin'

const SWEEP_MS = 50

/** While the service closes, a connection ends with the answer that is under way: nobody keeps it open for a next request. */
export default fp(
  async (app) => {
    let timer: NodeJS.Timeout | undefined
    app.addHook('preClose', (done) => {
      app.server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'))
      timer = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS)
      done()
    })
    app.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'closing' }
)
