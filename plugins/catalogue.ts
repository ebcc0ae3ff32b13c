import fp from 'fastify-plugin'
import { Catalogue } from '../src/catalogue/catalogue.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly catalogue: Catalogue
  }
}

/** The reads of the public catalogue. */
export default fp(
  async (app) => {
    app.decorate('catalogue', new Catalogue(app.database.client))
  },
  { name: 'catalogue', dependencies: ['database'] }
)
