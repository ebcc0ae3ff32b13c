import fp from 'fastify-plugin'
import { CHANNEL, isFromOutside } from '#database/outbox.ts'
import { Sweeper } from '#database/sweeper.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly sweeper: Sweeper
  }
}

/** Applies the invalidations that their writers did not apply. */
export default fp(
  async (app) => {
    const { coherentCache: cache, database, invalidationLog, log } = app
    const sweeper = new Sweeper({
      outbox: database.outbox,
      ready: () => cache.trusted,
      apply: async (tags, outside) => {
        await cache.invalidate(tags)
        invalidationLog.note(tags, outside ? 'outside' : null)
      },
      log
    })
    app.decorate('sweeper', sweeper)
    sweeper.start()
    const unlisten = await database.listen(CHANNEL, (payload) => sweeper.wake(isFromOutside(payload)))
    app.addHook('onClose', async () => {
      await unlisten()
      await sweeper.stop()
    })
  },
  { name: 'outbox-sweeper', dependencies: ['cache', 'database'] }
)
