import fp from 'fastify-plugin'
import { Authoring } from '../src/authoring/authoring.ts'
import { Categories } from '../src/authoring/categories.ts'
import { Catalogue } from '../src/catalogue/catalogue.ts'
import { Learning } from '../src/progress/learning.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly catalogue: Catalogue
    readonly authoring: Authoring
    readonly categories: Categories
    readonly learning: Learning
  }
}

/** What the routes call: reads of courses, writes of authors, what students do. */
export default fp(
  async (app) => {
    const { database } = app
    app.decorate('catalogue', new Catalogue(database.client))
    app.decorate('authoring', new Authoring(database))
    app.decorate('categories', new Categories(database))
    app.decorate('learning', new Learning(database))
  },
  { name: 'domain', dependencies: ['database'] }
)
