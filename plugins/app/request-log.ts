import fp from 'fastify-plugin'
import { logStream } from '#logging/log-stream.ts'
import { formatRequestLine, INFO, WARN } from '#logging/request-line.ts'

/** How much of a URL is logged. */
const MAX_URL = 512

/** One log line a request, with what the cache did for it; a warning when it was slow. */
export default fp(
  async (app) => {
    const { logLevel, slowRequestMs } = app.config
    const tellsAll = ['info', 'debug', 'trace'].includes(logLevel)
    const tellsSlow = tellsAll || logLevel === 'warn'
    if (!tellsSlow) return

    app.onAnswered(({ requestId, method, url, route, user, status, ms, trace, streamed }) => {
      const slow = ms >= slowRequestMs && !streamed ? trace : undefined
      if (slow === undefined && !tellsAll) return
      const { hits, misses } = trace
      const line = formatRequestLine({
        requestId,
        method,
        url: url.slice(0, MAX_URL),
        route: route.url,
        user,
        status,
        ms,
        hits,
        misses,
        slow
      })
      logStream.write(line, slow ? WARN : INFO)
    })
  },
  { name: 'request-log', dependencies: ['answered'] }
)
