import helmet from '@fastify/helmet'
import fp from 'fastify-plugin'

/** The security headers that matter for a JSON API. A route with a page sets its own Content-Security-Policy. */
export default fp(
  async (app) => {
    await app.register(helmet, {
      contentSecurityPolicy: {
        directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
        useDefaults: false
      },
      // No page of another site needs to load what is here other than by CORS.
      crossOriginResourcePolicy: { policy: 'same-origin' },
      xFrameOptions: { action: 'deny' },
      // The others protect pages, and each of them costs every response.
      crossOriginEmbedderPolicy: false,
      crossOriginOpenerPolicy: false,
      originAgentCluster: false,
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xPoweredBy: false,
      xXssProtection: false
    })
  },
  { name: 'helmet' }
)
