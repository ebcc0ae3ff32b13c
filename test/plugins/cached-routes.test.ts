import type { RouteOptions } from 'fastify'
import t from 'tap'
import { Type } from 'typebox'
import { cached, cachedByParams, cachedByQuery } from '#plugins/app/cached-routes.ts'
import { freshSpec } from '../support/caches.ts'

const Params = Type.Object({ id: Type.Integer() })
const Query = Type.Object({ page: Type.Integer() })
const rule = { spec: () => freshSpec() }
const route = (more: Partial<RouteOptions>): RouteOptions => ({
  method: 'GET',
  url: '/things',
  handler: async () => ({}),
  config: { public: true },
  ...more
})

t.test('a rule is accepted on a public route whose input has the schema of the rule', async (t) => {
  cached(rule).requireCompatible(route({}))
  cachedByParams(Params, rule).requireCompatible(route({ schema: { params: Params } }))
  cachedByQuery(Query, rule).requireCompatible(route({ schema: { querystring: Query } }))
  t.pass('no rule throws')
})

t.test('the start fails where a cached answer could reach another user or another request', async (t) => {
  const byParams = cachedByParams(Params, rule)
  const refused: [string, RouteOptions, RegExp][] = [
    ['the route needs a session', route({ schema: { params: Params }, config: {} }), /public route/],
    [
      'the route needs a role',
      route({ schema: { params: Params }, config: { public: true, role: 'admin' } }),
      /public route/
    ],
    ['another schema', route({ schema: { params: Type.Object({}) } }), /own schema/],
    ['a query string as well', route({ schema: { params: Params, querystring: Query } }), /no other input/],
    ['an error handler', route({ schema: { params: Params }, errorHandler: () => {} }), /errorHandler/]
  ]
  for (const [what, options, message] of refused) {
    t.throws(() => byParams.requireCompatible(options), { name: 'TypeError', message }, what)
  }
  t.throws(() => cached(rule).requireCompatible(route({ schema: { querystring: Query } })), {
    message: /no other input/
  })
})
