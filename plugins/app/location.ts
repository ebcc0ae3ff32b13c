import fp from 'fastify-plugin'
import { proxyTrust } from '../external/proxy-addr.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Sets `Location` to where the client finds this path of the service: below the prefix that a trusted proxy has taken away. */
    locate(path: string): this
  }
}

const MAX_PREFIX_LENGTH = 200
const PREFIX = /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/

/** `Location`, which a proxy that serves the API below a path of its own (`X-Forwarded-Prefix`) does not rewrite. */
export default fp(
  async (app) => {
    const isProxy = proxyTrust(app.config.trustProxy)
    app.decorateReply('locate', function (path) {
      const { headers, socket } = this.request
      const given = headers['x-forwarded-prefix']
      const isTrusted = isProxy !== false && isProxy(socket.remoteAddress ?? '', 0)
      const prefix = typeof given === 'string' && isTrusted ? given.replace(/\/$/, '') : ''
      const isPath = prefix.length <= MAX_PREFIX_LENGTH && PREFIX.test(prefix)
      return this.header('Location', isPath ? prefix + path : path)
    })
  },
  { name: 'location' }
)
