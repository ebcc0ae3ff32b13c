import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The path does not take this method, whoever asks: nothing else is looked at. */
    otherMethod?: boolean
  }
  interface FastifyInstance {
    /** Adds a route to every path for the methods that it has no route for. Call it after the last route. */
    answerOtherMethods(): void
  }
}

/** A path that exists answers every method: OPTIONS says which it takes, and those that it does not take are 405, with `Allow`. */
export default fp(
  async (app) => {
    const taken = new Map<string, Set<string>>()
    app.addHook('onRoute', ({ url, method }) => {
      const methods = taken.get(url) ?? new Set()
      for (const name of [method].flat()) methods.add(name)
      taken.set(url, methods)
    })

    app.decorate('answerOtherMethods', () => {
      // The route `*` is that of the plugin cors, for preflights.
      for (const [url, methods] of [...taken].filter(([url]) => url !== '*')) {
        const allow = [...new Set([...methods, 'OPTIONS'])].sort().join(', ')
        const others = app.supportedMethods.filter((method) => !methods.has(method) && method !== 'OPTIONS')
        const isOther = { public: true, otherMethod: true } as const
        const refuse = async ({ method }: FastifyRequest) => {
          throw new ApiError(405, 'METHOD_NOT_ALLOWED', `${method} is not for this path, which takes ${allow}`, {
            Allow: allow
          })
        }
        // Before a body is read or a query is looked at, which nobody has described; after the rate limit.
        const common = { url, schema: { hide: true }, handler: async () => null }
        app.route({ ...common, method: others, config: isOther, preParsing: refuse })
        if (methods.has('OPTIONS')) continue
        // Counted by the plugin preflight-limit.
        const config = { ...isOther, rateLimit: false } as const
        const tell = async (_request: FastifyRequest, reply: FastifyReply) => {
          reply.code(204).header('Allow', allow).send()
        }
        app.route({ ...common, method: 'OPTIONS', config, preParsing: tell })
      }
    })
  },
  { name: 'other-methods', dependencies: ['access', 'preflight-limit', 'rate-limit'] }
)
