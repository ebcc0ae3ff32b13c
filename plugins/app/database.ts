import fp from 'fastify-plugin'
import type { Database } from '#database/database.ts'
import { openDatabase } from '#database/open.ts'
import { prepareDatabase } from '#seed/prepare.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly database: Database
  }
}

/** The database, migrated and, if configured, seeded. */
export default fp(
  async (app) => {
    const database = await openDatabase(app.config, app.log)
    app.addHook('onClose', () => database.close())
    await prepareDatabase(database, app.config, app.log)
    app.decorate('database', database)
  },
  { name: 'database' }
)
