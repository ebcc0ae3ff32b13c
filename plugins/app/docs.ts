import swagger, { type SwaggerTransform } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { impliedResponses } from '#http/documented-responses.ts'

const SESSION = 'session'

/** `/openapi.json`, made of the route schemas, and `/docs`, which shows it. */
export default fp(
  async (app) => {
    await app.register(swagger, {
      transform: addImplied,
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'AI Akademiya API',
          version: '1.0.0',
          description: 'Courses that a language model writes: the catalogue, its authors and its students.'
        },
        tags: [
          { name: 'catalogue', description: 'Categories, courses, modules, chapters' },
          { name: 'accounts', description: 'Register, sign in and out' },
          { name: 'authoring', description: 'Writes of authors and admins to courses' },
          { name: 'learning', description: 'Enrollments and progress' },
          { name: 'generation', description: 'Courses written by a language model' },
          { name: 'users', description: 'Profiles, and roles for admins' },
          { name: 'administration', description: 'Categories' },
          { name: 'platform', description: 'Health, documentation' }
        ],
        components: {
          securitySchemes: {
            [SESSION]: { type: 'apiKey', in: 'cookie', name: 'sid', description: 'set by register and login' }
          }
        }
      }
    })
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP:
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    })
    app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, () => app.swagger())
  },
  { name: 'docs' }
)

/** Adds what follows from the kind of a route: the answers that plugins give, and that it needs somebody signed in. */
const addImplied: SwaggerTransform = ({ schema, url, route }) => {
  if (!url.startsWith('/api/v1')) return { schema, url }
  const { beginsSession, rateLimit, public: isPublic } = route.config ?? {}
  const own = Object(schema.response)
  const implied = impliedResponses({
    method: String(route.method),
    body: schema.body !== undefined,
    limited: rateLimit !== false,
    public: isPublic === true
  })
  // The 401 of a login is about the password.
  const needsSession = '401' in own && beginsSession !== true
  return {
    url,
    schema: {
      ...schema,
      response: { ...implied, ...own },
      ...(needsSession ? { security: [{ [SESSION]: [] }] } : {})
    }
  }
}
