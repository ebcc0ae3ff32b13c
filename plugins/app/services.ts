import fp from 'fastify-plugin'
import { Authoring } from '#courses/authoring.ts'
import { Catalogue } from '#courses/catalogue.ts'
import { Categories } from '#courses/categories.ts'
import { CachedProgress } from '#learning/cached-progress.ts'
import { Learning } from '#learning/learning.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly catalogue: Catalogue
    readonly authoring: Authoring
    readonly categories: Categories
    readonly learning: Learning
    readonly cachedProgress: CachedProgress
  }
}

/** What the routes call: reads of courses, writes of authors, what students do. */
export default fp(
  async (app) => {
    const { coherentCache: cache, database } = app
    app.decorate('catalogue', new Catalogue(database.client))
    app.decorate('authoring', new Authoring(database))
    app.decorate('categories', new Categories(database))
    const learning = new Learning(database)
    app.decorate('learning', learning)
    app.decorate('cachedProgress', new CachedProgress(cache, learning))
  },
  { name: 'services', dependencies: ['cache', 'database'] }
)
