import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { errors } from '#http/errors.ts'
import { noQuery } from '#http/paging.ts'

const INTERVAL_MS = 2000
/** A stream ends after so long; the browser asks again, and is looked at again: who is no admin any more sees no more. */
const STREAM_MS = 60_000

const EventStream = {
  description: 'events `report` with the same data, every two seconds; ends after a minute, to be asked for again',
  content: { 'text/event-stream': { schema: Type.String() } }
}

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())

  app.get(
    '/events',
    {
      sse: 'manual',
      // A HEAD would wait for a stream that nobody reads.
      exposeHeadRoute: false,
      schema: {
        tags: ['administration'],
        summary: 'What the cache does, live',
        querystring: noQuery,
        response: { 200: EventStream, ...errors(401, 403, 429, 503) }
      }
    },
    async (request, reply) => {
      request.admin()
      const gone = reply.beginStream()
      const over = AbortSignal.any([gone, closing.signal, AbortSignal.timeout(STREAM_MS)])
      while (!over.aborted) {
        await reply.sse.send({ event: 'report', data: await app.cacheReport() })
        await sleep(INTERVAL_MS, null, { signal: over }).catch(() => {})
      }
    }
  )
}

export default routes
