import compress from '@fastify/compress'
import fp from 'fastify-plugin'
import { encodedEtag } from '#cache'
import { CONTENT_ENCODINGS, MIN_COMPRESSED_BYTES, preferredEncoding } from '#http/content-encoding.ts'
import { hookList } from '../app/route-hooks.ts'

/**
 * Compresses answers that are made for one request. Those that are shared have been compressed by then (plugins/app/shared-bodies.ts),
 * and event streams never are. What a request sends must not be compressed.
 */
export default fp(
  async (app) => {
    // The library takes `br;q=0, *` for brotli, and never looks at what `identity` is worth: it is told the answer.
    app.addHook('onSend', ({ headers }, _reply, payload, done) => {
      const accepted = headers['accept-encoding']
      if (accepted !== undefined) headers['accept-encoding'] = preferredEncoding(accepted) ?? 'identity'
      done(null, payload)
    })
    await app.register(compress, {
      encodings: CONTENT_ENCODINGS,
      threshold: MIN_COMPRESSED_BYTES,
      globalDecompression: false
    })
    // After the hook of the library, which leaves a strong entity tag what it was without compression.
    app.addHook('onRoute', (route) => {
      route.onSend = [
        ...hookList(route.onSend),
        (_request, reply, payload, done) => {
          const etag = reply.getHeader('etag')
          const encoding = CONTENT_ENCODINGS.find((encoding) => encoding === reply.getHeader('content-encoding'))
          if (typeof etag === 'string' && etag.startsWith('"') && encoding !== undefined)
            reply.header('ETag', encodedEtag(etag, encoding))
          done(null, payload)
        }
      ]
    })
  },
  { name: 'compress', dependencies: ['front-door'] }
)
