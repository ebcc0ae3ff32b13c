import { Readable } from 'node:stream'
import fp from 'fastify-plugin'

/**
 * For requests with a Content-Type but no body, such as a DELETE sent by `fetch`. Fastify reads the body all the same,
 * but Node has already ended the stream (`optimizeEmptyRequests` in src/http/server.ts), so Fastify would wait for
 * ever. It gets an empty stream.
 */
export default fp(
  async (app) => {
    app.addHook('preParsing', ({ raw, headers }, _reply, payload, done) => {
      const isRead = headers['content-type'] !== undefined
      done(null, isRead && raw.readableEnded ? Readable.from([]) : payload)
    })
  },
  { name: 'empty-bodies' }
)
