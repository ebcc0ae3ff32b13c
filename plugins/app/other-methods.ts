import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The path does not support this method: other checks are skipped. */
    otherMethod?: boolean
  }
  interface FastifyInstance {
    /** Adds routes for the unsupported methods of every path. Call it after the last route. */
    answerOtherMethods(): void
  }
}

/**
 * Every existing path answers every method: OPTIONS with the supported methods, unsupported ones with 405 and `Allow`.
 */
export default fp(
  async (app) => {
    const methodsByUrl = new Map<string, Set<string>>()
    app.addHook('onRoute', ({ url, method }) => {
      const methods = methodsByUrl.get(url) ?? new Set()
      for (const name of [method].flat()) methods.add(name)
      methodsByUrl.set(url, methods)
    })

    app.decorate('answerOtherMethods', () => {
      // The plugin cors has the route `*`, for preflights.
      for (const [url, methods] of [...methodsByUrl].filter(([url]) => url !== '*')) {
        const allow = [...new Set([...methods, 'OPTIONS'])].sort().join(', ')
        const others = app.supportedMethods.filter((method) => !methods.has(method) && method !== 'OPTIONS')
        const isOther = { public: true, otherMethod: true } as const
        const refuse = async ({ method }: FastifyRequest) => {
          throw new ApiError(405, 'METHOD_NOT_ALLOWED', `this path does not support ${method}, only ${allow}`, {
            Allow: allow
          })
        }
        // After the rate limit, but before the body is read and the query validated, which have no schema here.
        const common = { url, schema: { hide: true }, handler: async () => null }
        app.route({ ...common, method: others, config: isOther, preParsing: refuse })
        if (methods.has('OPTIONS')) continue
        // Counted by the plugin preflight-limit.
        const config = { ...isOther, rateLimit: false } as const
        const answerOptions = async (_request: FastifyRequest, reply: FastifyReply) => {
          reply.code(204).header('Allow', allow).send()
        }
        app.route({ ...common, method: 'OPTIONS', config, preParsing: answerOptions })
      }
    })
  },
  { name: 'other-methods', dependencies: ['access', 'preflight-limit', 'rate-limit'] }
)
