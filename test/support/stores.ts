import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Test } from 'tap'
import { connectRedis } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { MemoryStore } from '../../src/cache/store/memory-store.ts'
import { RedisStore } from '../../src/cache/store/redis-store.ts'
import type { Store } from '../../src/cache/store/store.ts'
import type { RedisServer } from './redis.ts'

const ROOM = 64 * 1024 * 1024

/** Opens the store as another process of the same service. */
type Connect = (t: Test) => Promise<Store>

/**
 * Runs the suite with both kinds of stores: one in memory, shared by all, and one in Redis, with a client for each
 * process.
 */
export async function onEachStore(
  t: Test,
  server: RedisServer,
  suite: (t: Test, connect: Connect) => Promise<void>
): Promise<void> {
  const memory = new MemoryStore(ROOM)
  await t.test('in memory', (t) => suite(t, async () => memory))
  const prefix = randomUUID()
  await t.test('in Redis', (t) => suite(t, (t) => redisStore(t, server, prefix)))
}

/** A store in Redis with its own client. */
export async function redisStore(t: Test, server: RedisServer, prefix: string): Promise<RedisStore> {
  const client = connectRedis(server.url)
  client.on('error', () => {})
  t.teardown(() => closeRedis(client))
  await once(client, 'ready')
  return new RedisStore(client, prefix)
}
