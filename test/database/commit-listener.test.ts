import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { invalidateOnCommit } from '#database/commit-listener.ts'
import { openService, present } from '../support/caches.ts'
import { timed } from '../support/eventually.ts'
import { leaveTags, startDatabase } from '../support/postgres-database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { RedisServer } from '../support/redis.ts'

const PAUSE_MS = 200

const server = await RedisServer.start()
t.teardown(() => server.stop())
const { caches, redis, prefix } = await openService(t, server, [{ l1LeaseMs: 0 }])
const { database } = await startDatabase(t)
const { log } = recordingLog()
const listener = invalidateOnCommit(present(caches[0]), database.outbox, log)

async function committed(tag: string) {
  await leaveTags(database, [tag])
  return database.client.$queryRaw<{ id: bigint; tag: string }[]>`
    select id, tag from cache_invalidation where tag = ${tag}`
}

t.test('a write is not acknowledged before Redis has its new stamps', async (t) => {
  const invalidations = await committed('course:1')
  // The clock runs before the pause does, so that a busy machine makes it longer and never shorter.
  const [, ms] = await timed(async () => {
    await redis.call('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE')
    await listener(invalidations)
  })
  t.ok(ms >= PAUSE_MS * 0.9, `${ms} ms, while Redis took no writes for ${PAUSE_MS} ms`)
  t.equal(await redis.exists(`${prefix}:tag:course:1`), 1)
  await database.outbox.flush()
  t.equal(await database.outbox.depth(), 0, 'and its rows are marked')
})

t.test('tags that Redis does not acknowledge stay in the outbox', async (t) => {
  const invalidations = await committed('course:2')
  await server.kill()
  await listener(invalidations)
  await sleep(100)
  await database.outbox.flush()
  t.equal(await database.outbox.depth(), 1)
})
