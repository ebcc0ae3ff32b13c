import fp from 'fastify-plugin'
import { noQuery } from '#http/paging.ts'

/** API routes without a query schema accept no parameters: an unknown parameter is 400 everywhere. */
export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      if (!route.url.startsWith('/api/v1') || route.schema?.querystring !== undefined || route.schema?.hide) return
      route.schema = { ...route.schema, querystring: noQuery }
    })
  },
  { name: 'query' }
)
