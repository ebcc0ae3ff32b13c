import type { Redis } from 'ioredis'
import { Breaker } from './breaker.ts'
import { Cache, type CacheOptions } from './cache.ts'
import { MemoryStore } from './memory-store.ts'
import { MemoryTier } from './memory-tier.ts'
import { noMessages, RedisMessages } from './messages.ts'
import { RedisStore } from './redis-store.ts'

type Settings = Pick<CacheOptions, 'defaultTtlMs' | 'l1LeaseMs' | 'maxEntryBytes' | 'staleIfErrorMs' | 'log'> & {
  readonly l1MaxBytes: number
}

/** A cache that works, with the parts that operators look at. */
export interface RunningCache {
  readonly cache: Cache
  readonly breaker: Breaker
  readonly tier: MemoryTier
  close(): void
}

/** The cache of a service that is one process: everything in its memory. */
export async function createEmbeddedCache(settings: Settings): Promise<RunningCache> {
  const tier = new MemoryTier(settings.l1MaxBytes)
  const breaker = new Breaker({ probe: async () => {}, opened: () => tier.dropAll(), log: settings.log })
  await breaker.probe()
  const store = new MemoryStore(settings.l1MaxBytes)
  const cache = new Cache({ ...settings, store, breaker, tier, messages: noMessages })
  return { cache, breaker, tier, close: () => breaker.stop() }
}

/**
 * The cache over Redis. `replay` hands it every invalidation that Redis may have lost; Redis is trusted once it has
 * answered and they have reached it, at the start and after every interruption.
 */
export function createRedisCache(
  redis: Redis,
  keyPrefix: string,
  settings: Settings,
  replay: (apply: (tags: string[]) => Promise<void>) => Promise<void>
): RunningCache {
  const tier = new MemoryTier(settings.l1MaxBytes)
  const breaker = new Breaker({
    probe: async () => {
      await redis.ping()
      await replay((tags) => cache.renewStamps(tags))
    },
    opened: () => tier.dropAll(),
    log: settings.log
  })
  const subscriber = redis.duplicate()
  // Its errors are those of the main connection, which are logged.
  subscriber.on('error', () => {})
  const messages = new RedisMessages(redis, subscriber, keyPrefix)
  const cache = new Cache({ ...settings, store: new RedisStore(redis, keyPrefix), breaker, tier, messages })
  messages.listen(
    {
      received: ({ tags, clear }) => {
        if (tags !== undefined) tier.drop(tags)
        if (clear !== undefined) tier.deleteMatching(clear)
      },
      interrupted: () => tier.dropAll()
    },
    settings.log
  )
  redis.on('close', () => breaker.open(new Error('the connection to Redis was closed')))
  return {
    cache,
    breaker,
    tier,
    close: () => {
      breaker.stop()
      subscriber.disconnect()
    }
  }
}
