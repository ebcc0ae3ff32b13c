import fp from 'fastify-plugin'
import { noQuery } from '#http/paging.ts'

/** A route of the API that describes no query takes none: an unknown parameter is 400 everywhere. */
export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      if (!route.url.startsWith('/api/v1') || route.schema?.querystring !== undefined || route.schema?.hide) return
      route.schema = { ...route.schema, querystring: noQuery }
    })
  },
  { name: 'query' }
)
