import fp from 'fastify-plugin'

/** One log line a request, with what the cache did for it; a warning when it was slow. */
export default fp(
  async (app) => {
    const { slowRequestMs } = app.config

    app.addHook('onResponse', (request, reply, done) => {
      const { hits, misses, cacheMs, loadMs } = request.trace
      const ms = reply.elapsedTime
      const line = {
        method: request.method,
        url: request.url,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms,
        hits,
        misses
      }
      if (ms < slowRequestMs) request.log.info(line, 'request')
      else request.log.warn({ ...line, cacheMs, loadMs }, 'slow request')
      done()
    })
  },
  { name: 'request-log', dependencies: ['timing'] }
)
