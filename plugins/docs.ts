import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'

/** `/openapi.json`, made of the route schemas, and `/docs`, which shows it. */
export default fp(
  async (app) => {
    await app.register(swagger, {
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
          { name: 'users', description: 'Profiles, and roles for admins' },
          { name: 'administration', description: 'Categories' },
          { name: 'platform', description: 'Health, documentation' }
        ]
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
