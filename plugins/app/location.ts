import fp from 'fastify-plugin'
import { proxyTrust } from '../external/proxy-addr.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The path below which a trusted proxy serves this service (`X-Forwarded-Prefix`), such as `/academy`; empty if
     * there is none.
     */
    forwardedPrefix(): string
  }
  interface FastifyReply {
    /** Sets `Location` to this path of the service, as the client sees it. */
    locate(path: string): this
    /** The same for `Content-Location`, the canonical URL of the answer. */
    contentLocation(path: string): this
  }
}

const MAX_PREFIX_LENGTH = 200
const PREFIX = /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/

/**
 * `Location` and `Content-Location` behind a proxy that serves the service below a path, since proxies do not rewrite
 * them.
 */
export default fp(
  async (app) => {
    const isProxy = proxyTrust(app.config.trustProxy)
    app.decorateRequest('forwardedPrefix', function () {
      const given = this.headers['x-forwarded-prefix']
      const isTrusted = isProxy !== false && isProxy(this.socket.remoteAddress ?? '', 0)
      if (typeof given !== 'string' || !isTrusted) return ''
      const prefix = given.replace(/\/$/, '')
      return prefix.length <= MAX_PREFIX_LENGTH && PREFIX.test(prefix) ? prefix : ''
    })
    app.decorateReply('locate', function (path) {
      return this.header('Location', this.request.forwardedPrefix() + path)
    })
    app.decorateReply('contentLocation', function (path) {
      return this.header('Content-Location', this.request.forwardedPrefix() + path)
    })
  },
  { name: 'location' }
)
