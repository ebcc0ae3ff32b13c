import Fastify from 'fastify'
import t from 'tap'
import { buildValidator } from '../../plugins/external/ajv-compiler.ts'

/** Fastify with the options of the service, without its plugins. */
const bare = () => Fastify({ schemaController: { compilersFactory: { buildValidator } } })
const id = { type: 'integer', minimum: 1 }

t.test('schemas shared by addSchema and $ref apply to params, body, query string and response', async (t) => {
  const app = bare()
  t.teardown(() => app.close())
  app.addSchema({ $id: 'id', ...id })
  app.addSchema({ $id: 'thing', type: 'object', required: ['id'], properties: { id: { $ref: 'id#' } } })
  const schema = {
    params: { type: 'object', properties: { id: { $ref: 'id#' } } },
    querystring: { type: 'object', properties: { page: { $ref: 'id#' } } },
    body: { $ref: 'thing#' },
    response: { 200: { $ref: 'thing#' } }
  }
  app.post('/:id', { schema }, async () => ({ id: 7, secret: 'not in the schema' }))
  // Schemas that are visible in one part of the application only.
  await app.register(async (part) => {
    part.addSchema({ $id: 'word', type: 'string', pattern: '^[a-z]+$' })
    part.post('/words', { schema: { body: { $ref: 'word#' } } }, async () => 'a word')
  })
  const post = async (url: string, payload: unknown) =>
    app.inject({
      method: 'POST',
      url,
      payload: JSON.stringify(payload),
      headers: { 'content-type': 'application/json' }
    })

  const answer = await post('/1?page=2', { id: 1 })
  t.same([answer.statusCode, answer.json()], [200, { id: 7 }])
  t.equal((await post('/0', { id: 1 })).statusCode, 400, 'params')
  t.equal((await post('/1?page=0', { id: 1 })).statusCode, 400, 'query string')
  t.equal((await post('/1', { id: 0 })).statusCode, 400, 'body')
  t.equal((await post('/1', {})).statusCode, 400, 'body')
  t.equal((await post('/words', 'word')).statusCode, 200)
  t.equal((await post('/words', '5')).statusCode, 400)
})

t.test('params and query strings are coerced, a JSON body is not, and unknown fields are refused', async (t) => {
  const app = bare()
  t.teardown(() => app.close())
  const numbered = { type: 'object', properties: { n: { type: 'integer', maximum: 9 } } }
  const exact = { ...numbered, additionalProperties: false }
  app.post('/', { schema: { querystring: exact, body: exact } }, async ({ query, body }) => ({ query, body }))
  const post = (query: string, payload: object) => app.inject({ method: 'POST', url: `/?${query}`, payload })
  t.same((await post('n=1', { n: 2 })).json(), { query: { n: 1 }, body: { n: 2 } })
  for (const [query, body] of [
    ['n=x', {}],
    ['n=1e999', {}],
    ['other=1', {}],
    ['', { n: '2' }],
    ['', { n: null }],
    ['', { other: 1 }]
  ] as const) {
    t.equal((await post(query, body)).statusCode, 400, `${query} ${JSON.stringify(body)}`)
  }
})

t.test('a broken schema fails the start', async (t) => {
  const broken = { type: 'object', properties: { id: { type: 'intger' } } }
  const missing = { type: 'object', properties: { id: { $ref: 'nowhere#' } } }
  for (const part of ['params', 'querystring', 'body', 'headers']) {
    for (const schema of [broken, missing]) {
      const app = bare()
      app.post('/:id', { schema: { [part]: schema } }, async () => '')
      await t.rejects(
        async () => app.ready(),
        { code: 'FST_ERR_SCH_VALIDATION_BUILD' },
        `${part}: ${JSON.stringify(schema)}`
      )
    }
  }
  const app = bare()
  app.get('/', { schema: { response: { 200: missing } } }, async () => '')
  await t.rejects(async () => app.ready(), { code: 'FST_ERR_SCH_SERIALIZATION_BUILD' }, 'response')
})
