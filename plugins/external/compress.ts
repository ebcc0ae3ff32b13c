import compress from '@fastify/compress'
import fp from 'fastify-plugin'
import { encodedEtag } from '#cache'
import { CONTENT_ENCODINGS, MIN_COMPRESSED_BYTES, preferredEncoding } from '#http/content-encoding.ts'
import { hookList } from '../app/route-hooks.ts'

/**
 * Compresses answers made for a single request. Shared ones are already compressed (plugins/app/shared-bodies.ts), and
 * event streams never are. Bodies of requests must not be compressed.
 */
export default fp(
  async (app) => {
    // The library misreads `br;q=0, *` as brotli, and ignores the weight of `identity`, so we pass it our own choice.
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
    // After the library's hook, which does not adapt a strong entity tag to the compressed body.
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
