import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { RouteHandlerMethod } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { OpenAPIV3_1 } from 'openapi-types'
import { stringify } from 'yaml'
import { etagOf } from '#cache'
import { version } from '#config/version.ts'
import { describeAnswers, headers } from '#http/openapi-answers.ts'
import { nameSchemas } from '#http/openapi-components.ts'
import { withExamples } from '#http/openapi-examples.ts'
import { sessionCookieName } from '#sessions/session-cookie.ts'
import { BEARER, describeOperation, SESSION } from './openapi-operations.ts'

const DESCRIPTION = `Courses that a language model writes: the catalogue, its authors and its students.

**To sign in on this page**: open *accounts*, \`POST /api/v1/auth/login\`, *Try it out*, and send your e-mail address and password, or register. The browser keeps the
session and uses it for all other requests on this page. The button *Authorize* is for programs: it takes a personal access token (\`POST /api/v1/auth/tokens\`).`

/** `/openapi.json`, generated from the route schemas, and `/docs`, which displays it. */
export default fp(
  async (app) => {
    const name = sessionCookieName(app.config.production)
    await app.register(swagger, {
      transform: describeOperation,
      transformObject: finish,
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'AI Akademiya API',
          version,
          description: DESCRIPTION,
          contact: { name: 'AI Akademiya' },
          license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' }
        },
        tags: [
          { name: 'catalogue', description: 'Categories, courses, modules, chapters' },
          { name: 'accounts', description: 'Register, sign in and out; access tokens' },
          { name: 'authoring', description: 'Writes of authors and admins to courses' },
          { name: 'learning', description: 'Enrollments and progress' },
          { name: 'generation', description: 'Courses written by a language model' },
          { name: 'users', description: 'Profiles, and roles for admins' },
          { name: 'administration', description: 'Categories' },
          { name: 'platform', description: 'Health, statistics' }
        ],
        components: {
          securitySchemes: {
            [SESSION]: { type: 'apiKey', in: 'cookie', name, description: 'set by register and login' },
            [BEARER]: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'aka_...',
              description: 'a personal access token, for programs; each operation names the scope that it needs'
            }
          }
        }
      }
    })
    const documentAt = (url: string) => ({
      ...app.swagger(),
      servers: [{ url, description: 'the server that generated this document' }]
    })
    const json = sendMemoized('application/json; charset=utf-8', (server) => JSON.stringify(documentAt(server)))
    const documents = new Map([
      ['/docs/json', json],
      ['/docs/yaml', sendMemoized('application/yaml; charset=utf-8', (server) => stringify(documentAt(server)))]
    ])
    await app.register(async (ui) => {
      // The library's routes accept no config, and would generate the document for each request. The documentation is
      // public.
      ui.addHook('onRoute', (route) => {
        route.config = { ...route.config, public: true }
        const handler = documents.get(route.url)
        if (handler !== undefined) route.handler = handler
      })
      // After the rate limit of the route. The page's relative URLs need the trailing slash, whatever path a proxy
      // serves it below.
      ui.addHook('preHandler', async ({ url }, reply) => {
        if (/^\/docs(\?|$)/.test(url)) return reply.redirect('docs/')
      })
      await ui.register(swaggerUi, {
        routePrefix: '/docs',
        staticCSP:
          "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
      })
    })
    app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, json)
  },
  { name: 'swagger', dependencies: ['access', 'location', 'query', 'shared-bodies'] }
)

/** Proxies serve the API below one or a few paths. */
const MAX_SERVERS = 4

/**
 * A handler for a large document that is the same for all clients that reach the service below the same path: it is
 * generated on the first request, and all answers share its bytes.
 */
function sendMemoized(type: string, make: (server: string) => string): RouteHandlerMethod {
  const documents = new LRUCache<string, { body: Buffer; etag: string }>({ max: MAX_SERVERS })
  return async (request, reply) => {
    const server = request.forwardedPrefix() || '/'
    let made = documents.get(server)
    if (made === undefined) {
      const text = make(server)
      made = { body: Buffer.from(text), etag: etagOf(text) }
      documents.set(server, made)
    }
    request.trace.outcome = 'BYPASS'
    const payload = await reply.shareBody(made, made)
    return payload === null ? reply.send() : reply.type(type).send(payload)
  }
}

/** Moves shared schemas and answers to named components, and describes each answer. */
const finish: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject
  // OpenAPI 3.1, as requested above.
  const { paths = {}, components, ...rest } = document.openapiObject as OpenAPIV3_1.Document
  const responses: OpenAPIV3_1.ComponentsObject['responses'] = {}
  for (const item of Object.values(paths)) {
    for (const operation of Object.values(item ?? {})) if (isOperation(operation)) describeAnswers(operation, responses)
  }
  const named = nameSchemas(paths, responses)
  return {
    ...rest,
    paths: named.paths,
    components: { ...components, headers, responses: named.responses, schemas: withExamples(named.schemas) }
  }
}

function isOperation(part: unknown): part is OpenAPIV3_1.OperationObject {
  return typeof part === 'object' && part !== null && 'responses' in part
}
