import AjvCompiler, { type BuildCompilerFromPool } from '@fastify/ajv-compiler'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import t from 'tap'
import { isPinned } from '../support/pinned.ts'

t.test('fastify is pinned: src/app.ts, plugins/ and routes/ hook into it', (t) => isPinned(t, 'fastify'))

const ID = { type: 'object', properties: { id: { type: 'integer' } } } as const

// The look-up of the cache builds keys in onRequest from validated parameters; other requests continue to Fastify's
// 400.
t.test('in onRequest, getValidationFunction already returns the validators of the route, which coerce', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get<{ Params: { id: number } }>(
    '/:id',
    {
      schema: { params: ID, querystring: ID },
      onRequest: async (request, reply) => {
        const valid = [
          request.getValidationFunction('params')?.(request.params),
          request.getValidationFunction('querystring')?.(request.query)
        ]
        reply.header('valid', String(valid)).header('id', typeof request.params.id)
      }
    },
    async ({ params }) => params
  )
  const good = await app.inject('/7?id=8')
  t.equal(good.headers.valid, 'true,true')
  t.equal(good.headers.id, 'number', 'the parameters are coerced in place')
  const bad = await app.inject('/x?id=8')
  t.equal(bad.statusCode, 400)
  t.equal(bad.headers.valid, 'false,true')
})

// plugins/external/ajv-compiler.ts compiles the schemas of bodies differently from others.
t.test('schemaController passes the part of the request to the validator factory', async (t) => {
  const parts: unknown[] = []
  const buildValidator: BuildCompilerFromPool = (sharedSchemas) => {
    const compile = AjvCompiler()(sharedSchemas, { customOptions: {} })
    return (route) => {
      parts.push(typeof route === 'object' && route.httpPart)
      return compile(route)
    }
  }
  const app = Fastify({ schemaController: { compilersFactory: { buildValidator } } })
  t.teardown(() => app.close())
  app.post('/', { schema: { body: ID, querystring: ID, params: ID, headers: ID } }, async () => '')
  await app.ready()
  t.same(new Set(parts), new Set(['headers', 'body', 'querystring', 'params']))
})

// plugins/app/{query,access,response-cache,front-door}.ts change routes as they are registered, including HEAD routes.
t.test('an onRoute hook may add hooks to a route, and is also called for its HEAD route', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const seen: string[] = []
  await app.register(
    fp(async (app) => {
      app.addHook('onRoute', (route) => {
        seen.push(String(route.method))
        const before = [route.onRequest ?? []].flat()
        route.onRequest = [...before, async (_request, reply) => void reply.header('added', 'yes')]
      })
    })
  )
  app.get('/', async () => 'x')
  t.equal((await app.inject('/')).headers.added, 'yes')
  t.equal((await app.inject({ method: 'HEAD', url: '/' })).headers.added, 'yes')
  t.same(seen, ['GET', 'HEAD'])
})

// plugins/app/errors.ts, and routes with their own error handler.
t.test(
  "a route's error handler gets errors of hooks and validation; what it throws goes to the handler of the app",
  async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    app.setErrorHandler(async (error: Error, _request, reply) => reply.code(500).send(`app: ${error.message}`))
    const options = {
      schema: { params: ID },
      errorHandler: (error: Error) => {
        throw new Error(`route: ${error.message}`)
      }
    }
    app.get('/:id', options, async () => {
      throw new Error('handler')
    })
    app.get('/hook/:id', { ...options, onRequest: async () => Promise.reject(new Error('hook')) }, async () => '')
    t.equal((await app.inject('/7')).body, 'app: route: handler')
    t.equal((await app.inject('/hook/7')).body, 'app: route: hook')
    t.match((await app.inject('/x')).body, /^app: route: params\/id/)
  }
)

// src/http and the look-up of the cache: an answer in onRequest ends the request, and onSend hooks get its text.
t.test('reply.send in onRequest skips validation and the handler, and runs onSend and onResponse', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const seen: unknown[] = []
  app.addHook('onSend', async (_request, _reply, payload) => void seen.push(payload))
  app.addHook('onResponse', async () => void seen.push('done'))
  app.get(
    '/:id',
    { schema: { params: ID }, onRequest: async (_request, reply) => reply.send('hit') },
    async () => 'miss'
  )
  t.equal((await app.inject('/x')).body, 'hit')
  t.same(seen, ['hit', 'done'])
})

// src/app.ts: an empty body with the type application/json is accepted, and __proto__ in a body is refused.
t.test('the parser of getDefaultJsonParser accepts the text of a body, and refuses prototypes', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parse(request, body, done)
  })
  app.post('/', async ({ body }) => ({ kind: typeof body }))
  const post = (payload: string) =>
    app.inject({ method: 'POST', url: '/', payload, headers: { 'content-type': 'application/json' } })
  t.same((await post('')).json(), { kind: 'undefined' })
  t.same((await post('{"a":1}')).json(), { kind: 'object' })
  t.equal((await post('{"__proto__":{}}')).statusCode, 400)
  t.equal((await post('{"constructor":{"prototype":{}}}')).statusCode, 400)
})
