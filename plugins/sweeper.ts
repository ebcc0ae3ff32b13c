import fp from 'fastify-plugin'
import { listenForInvalidations } from '../src/db/notifications.ts'
import { Sweeper } from '../src/db/sweeper.ts'

/** Applies the invalidations that their writers left behind; PostgreSQL wakes it, PGlite has one process only. */
export default fp(
  async (app) => {
    const { cache, config, database, log } = app
    const sweeper = new Sweeper({
      outbox: database.outbox,
      ready: () => cache.trusted,
      apply: (tags) => cache.invalidate(tags),
      log
    })
    sweeper.start()
    const { databaseUrl } = config
    const unlisten = databaseUrl === null ? null : listenForInvalidations(databaseUrl, () => sweeper.wake(), log)
    app.addHook('onClose', async () => {
      await unlisten?.()
      await sweeper.stop()
    })
  },
  { name: 'sweeper', dependencies: ['cache', 'database'] }
)
