import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    /** Additional fields for the audit line of this request. */
    auditDetails: Readonly<Record<string, unknown>> | null
  }
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Logs one line for each write of an admin, and for each write of others for which the route sets `auditDetails`. */
export default fp(
  async (app) => {
    app.decorateRequest('auditDetails', null)
    app.addHook('onResponse', (request, { statusCode }, done) => {
      const { account, auditDetails, method, params, routeOptions, token } = request
      const isAdmin = account?.role === 'admin'
      if (account !== null && (isAdmin || auditDetails !== null) && !READS.has(method)) {
        const audit = isAdmin ? 'admin action' : 'account action'
        request.log.info(
          {
            audit,
            user: account.id,
            email: isAdmin ? account.email : undefined,
            token: token?.id,
            method,
            route: routeOptions.url,
            params,
            status: statusCode,
            ...auditDetails
          },
          audit
        )
      }
      done()
    })
  },
  { name: 'audit', dependencies: ['identity'] }
)
