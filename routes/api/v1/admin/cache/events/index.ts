import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AdminReport } from '#observability/report-shapes.ts'
import { accessOf } from '#plugins/app/admin-link.ts'

const INTERVAL_MS = 2000
/** Streams end after a while: a page left open reconnects, and each request counts towards the rate limit. */
const STREAM_MS = 60_000

const EventStream = {
  content: {
    'text/event-stream': {
      schema: Type.Array(
        Type.Object({ event: Type.Literal('report'), data: AdminReport }, { title: 'CacheReportEvent' })
      )
    }
  }
}

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())

  app.get(
    '',
    {
      config: { role: 'admin', adminLink: true },
      sse: 'manual',
      // A HEAD request would wait for a stream that nobody reads.
      exposeHeadRoute: false,
      schema: {
        tags: ['administration'],
        operationId: 'followCache',
        summary: 'Live report on the cache',
        description:
          'A stream for `EventSource`: a report every two seconds. It ends after a minute; clients reconnect.',
        response: { 200: EventStream }
      }
    },
    async (request, reply) => {
      const access = accessOf(request)
      const stream = reply.beginStream()
      const over = AbortSignal.any([stream.over, closing.signal, AbortSignal.timeout(STREAM_MS)])
      while (!over.aborted) {
        await stream.send({ event: 'report', data: { ...(await app.cacheReport()), access } })
        await sleep(INTERVAL_MS, null, { signal: over }).catch(() => {})
      }
    }
  )
}

export default routes
