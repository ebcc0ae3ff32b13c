import { duplicateOf, onInterruption, type RedisClient } from '../redis/connect.ts'
import { Breaker } from './breaker.ts'
import { Cache, type CacheOptions } from './cache.ts'
import { MemoryStore } from './memory-store.ts'
import { MemoryTier } from './memory-tier.ts'
import { type Messages, noMessages, RedisMessages } from './messages.ts'
import { CacheMeter } from './meter.ts'
import { RedisStore } from './redis-store.ts'
import type { Store } from './store.ts'

export interface CacheSettings
  extends Pick<CacheOptions, 'defaultTtlMs' | 'l1LeaseMs' | 'maxEntryBytes' | 'staleIfErrorMs' | 'log'> {
  readonly l1MaxBytes: number
  /** Hands `apply` every invalidation that the store may have missed; before that the store is not trusted. */
  readonly replay: (apply: (tags: string[]) => Promise<void>) => Promise<void>
}

/** A cache that works, with the parts that operators look at. */
export interface RunningCache {
  readonly cache: Cache
  readonly breaker: Breaker
  readonly tier: MemoryTier
  readonly store: Store
  readonly meter: CacheMeter
  close(): void
}

/** The cache of a service that is one process: everything in its memory. */
export function createEmbeddedCache(settings: CacheSettings): RunningCache {
  const store = new MemoryStore(settings.l1MaxBytes)
  const parts = assemble(settings, store, noMessages, async () => {})
  return { ...parts, close: () => parts.breaker.stop() }
}

const PROBE_TTL_MS = 60_000

/** The cache over Redis, which is trusted while it takes what is written and every invalidation has reached it. */
export function createRedisCache(redis: RedisClient, keyPrefix: string, settings: CacheSettings): RunningCache {
  const subscriber = duplicateOf(redis)
  // Its errors are those of the main connection, which are logged.
  subscriber.on('error', () => {})
  const messages = new RedisMessages(redis, subscriber, keyPrefix)
  const parts = assemble(settings, new RedisStore(redis, keyPrefix), messages, () =>
    redis.set(`${keyPrefix}:probe`, '', 'PX', PROBE_TTL_MS)
  )
  const { breaker, tier } = parts
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
  onInterruption(redis, (reason) => breaker.open(reason))
  return {
    ...parts,
    close: () => {
      breaker.stop()
      subscriber.disconnect()
    }
  }
}

function assemble(settings: CacheSettings, store: Store, messages: Messages, ping: () => Promise<unknown>) {
  const { l1MaxBytes, replay, log } = settings
  const tier = new MemoryTier(l1MaxBytes)
  const meter = new CacheMeter()
  const breaker = new Breaker({
    probe: async () => {
      await ping()
      await replay((tags) => cache.renewStamps(tags))
    },
    opened: () => tier.dropAll(),
    meter,
    log
  })
  const cache = new Cache({ ...settings, store, breaker, tier, messages, meter })
  return { cache, breaker, tier, store, meter }
}
