import t from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { send } from '../support/http.ts'
import { describedBy, fits, isJsonSchema, responseSchema } from '../support/openapi.ts'

const catalogue = {
  '/api/v1/categories': '/api/v1/categories',
  '/api/v1/categories/{slug}': '/api/v1/categories/data',
  '/api/v1/courses': '/api/v1/courses?limit=100',
  '/api/v1/courses/{id}': '/api/v1/courses/1',
  '/api/v1/courses/{id}/modules': '/api/v1/courses/1/modules',
  '/api/v1/courses/{id}/chapters/{chapterId}': '/api/v1/courses/1/chapters/1',
  '/api/v1/stats': '/api/v1/stats'
}
const health = { '/health/live': '/health/live', '/health/ready': '/health/ready' }

bothWays(t, async (t, { url }) => {
  const document = await describedBy(url)
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation }))
  )

  await t.test('the document describes every route of the contract, and no URL with a trailing slash', async (t) => {
    for (const path of Object.keys({ ...catalogue, ...health })) t.ok(document.paths[path]?.get, path)
    for (const path of Object.keys(document.paths)) t.notMatch(path, /.\/$|\/\/|:/, path)
  })

  await t.test('path parameters match the template, and are required', async (t) => {
    for (const { name, path, operation } of operations) {
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      const template = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
      t.same(declared.map((parameter) => parameter.name).sort(), template.sort(), name)
      for (const parameter of declared) t.equal(parameter.required, true, `${name} ${parameter.name}`)
    }
  })

  await t.test('a list has the query parameters of the contract, all optional', async (t) => {
    const all = document.paths['/api/v1/courses']?.get?.parameters ?? []
    const parameters = all.filter((parameter) => parameter.in === 'query')
    const names = ['author', 'category', 'language', 'level', 'limit', 'page', 'search', 'sort']
    t.same(parameters.map(({ name }) => name).sort(), names)
    t.same(
      parameters.filter(({ required }) => required).map(({ name }) => name),
      [],
      'a generated client would have to send required parameters'
    )
    t.match(Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])), {
      page: { type: 'integer', minimum: 1, default: 1 },
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
      level: { enum: ['beginner', 'intermediate', 'advanced'] },
      sort: { enum: ['-createdAt', 'createdAt', 'title', '-updatedAt', 'relevance'] }
    })
  })

  await t.test('operation ids are unique, and so are the parameters of an operation', async (t) => {
    const ids = operations.flatMap(({ operation }) => operation.operationId ?? [])
    t.equal(new Set(ids).size, ids.length)
    for (const { name, operation } of operations) {
      const parameters = (operation.parameters ?? []).map((parameter) => `${parameter.in} ${parameter.name}`)
      t.equal(new Set(parameters).size, parameters.length, name)
    }
  })

  await t.test('every operation has a summary and a known tag', async (t) => {
    const tags = new Set(document.tags?.map(({ name }) => name))
    for (const { name, operation } of operations) {
      t.ok(operation.summary, name)
      t.ok(operation.tags?.length && operation.tags.every((tag) => tags.has(tag)), name)
    }
  })

  await t.test('every schema is a JSON Schema 2020-12', async (t) => {
    for (const { name, operation } of operations) {
      for (const { schema } of operation.parameters ?? []) t.ok(isJsonSchema(schema), name)
      for (const [status, { content }] of Object.entries(operation.responses)) {
        for (const { schema } of Object.values(content ?? {})) t.ok(isJsonSchema(schema), `${name} ${status}`)
      }
    }
    t.notOk(isJsonSchema({ type: 'int' }), 'this test can fail')
  })

  for (const [path, example] of Object.entries({ ...catalogue, ...health })) {
    await t.test(`the answer of ${example} matches its schema`, async (t) => {
      const { status, body } = await send(url + example)
      const schema = responseSchema(document, path, status)
      t.ok(schema, 'the response has a schema')
      if (schema === undefined) return
      t.ok(fits(document, schema, JSON.parse(body)))
      t.notOk(fits(document, schema, {}), 'an empty object does not match')
    })
  }

  await t.test('errors are described, and match their schema', async (t) => {
    const errors = [
      ['/api/v1/courses', '/api/v1/courses?limit=0', 400],
      ['/api/v1/courses/{id}', '/api/v1/courses/abc', 400],
      ['/api/v1/courses/{id}', '/api/v1/courses/999999', 404],
      ['/api/v1/courses/{id}/modules', '/api/v1/courses/999999/modules', 404],
      ['/api/v1/courses/{id}/chapters/{chapterId}', '/api/v1/courses/1/chapters/999999', 404],
      ['/api/v1/categories/{slug}', '/api/v1/categories/none', 404]
    ] as const
    for (const [path, example, status] of errors) {
      const answer = await send(url + example)
      t.equal(answer.status, status, example)
      const schema = responseSchema(document, path, status)
      t.ok(schema && fits(document, schema, JSON.parse(answer.body)), example)
      t.notOk(schema && fits(document, schema, { statusCode: status }), example)
    }
  })
})
