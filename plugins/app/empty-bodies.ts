import { Readable } from 'node:stream'
import fp from 'fastify-plugin'

/**
 * A request without a body that names a type, as `fetch` sends a DELETE: Fastify reads its body all the same, and waits for the end of a
 * stream that Node has ended before anybody could listen (`optimizeEmptyRequests` in src/http/server.ts). It gets one that ends.
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
