import fp from 'fastify-plugin'
import { compressedBody, encodingFor } from '#http/content-encoding.ts'
import { PUBLIC } from './entity-tags.ts'

/** A body shared by many answers, as text or bytes, with its entity tag. */
export interface SharedBody {
  readonly etag: string
  readonly body: string | Buffer
}

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Sets the headers of an answer with a public body: entity tag, caching, and the encoding for this client.
     * Compressed bodies are kept as long as `owner`. Returns the body to send, or null if the client's copy is current
     * (304).
     */
    shareBody(owner: object, shared: SharedBody): string | Buffer | null | Promise<Buffer>
  }
}

/** Public answers are compressed once for each encoding, however often they are sent. */
export default fp(
  async (app) => {
    app.decorateReply('shareBody', function (owner, { etag, body }) {
      const encoding = encodingFor(this.request.headers['accept-encoding'], body)
      const vary = this.getHeader('vary')
      this.header('Vary', vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding`)
      if (this.tagEntity(etag, PUBLIC, encoding)) return null
      if (encoding === null) return body
      this.header('Content-Encoding', encoding)
      return compressedBody(owner, body, encoding)
    })
  },
  { name: 'shared-bodies', dependencies: ['entity-tags'] }
)
