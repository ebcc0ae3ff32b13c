import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the audit line of this request says beside who did it, where, and with which status. */
    auditDetails: Readonly<Record<string, unknown>> | null
  }
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** One line for everything that an admin does: who, what, and the result. */
export default fp(
  async (app) => {
    app.decorateRequest('auditDetails', null)
    app.addHook('onResponse', (request, { statusCode }, done) => {
      const { account, method, params, routeOptions } = request
      if (account?.role === 'admin' && !READS.has(method)) {
        request.log.info(
          {
            audit: 'admin action',
            user: account.id,
            email: account.email,
            method,
            route: routeOptions.url,
            params,
            status: statusCode,
            ...request.auditDetails
          },
          'admin action'
        )
      }
      done()
    })
  },
  { name: 'audit', dependencies: ['identity'] }
)
