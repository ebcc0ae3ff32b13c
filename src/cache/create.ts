import { duplicateOf, onInterruption, type RedisClient } from '#redis/connect.ts'
import { closeRedis, REVIVED } from '#redis/watchdog.ts'
import { Cache, type CacheOptions } from './cache.ts'
import { MAX_HEADER_LENGTH } from './entry.ts'
import { deleteMatching } from './invalidation/clearing.ts'
import { type Messages, noMessages, RedisMessages } from './invalidation/messages.ts'
import { MemoryTier } from './l1/memory-tier.ts'
import { CacheMeter } from './meter.ts'
import { MemoryStore } from './store/memory-store.ts'
import { RedisStore } from './store/redis-store.ts'
import type { Store } from './store/store.ts'
import { Breaker } from './trust/breaker.ts'
import { type SharedStore, StoreBinding, type StoreRegistry } from './trust/store-binding.ts'

export interface CacheSettings
  extends Pick<
    CacheOptions,
    'defaultTtlMs' | 'l1LeaseMs' | 'maxEntryBytes' | 'staleIfErrorMs' | 'ownKeys' | 'errors' | 'log' | 'observer'
  > {
  readonly l1MaxBytes: number
  /** How long others wait for a load, in ms, before they load for themselves; the default is 10 s. */
  readonly maxLoadMs?: number
  /** Passes every invalidation that the store may have missed to `apply`; the store is not trusted before that. */
  readonly replay: (apply: (tags: string[]) => Promise<void>) => Promise<void>
  /**
   * Where the database records which store it uses; null for a command that reads no entries, which does not need to
   * know.
   */
  readonly registry: StoreRegistry | null
}

/** A running cache, with the parts that metrics and the admin page read. */
export interface RunningCache {
  readonly cache: Cache
  readonly breaker: Breaker
  readonly tier: MemoryTier
  readonly store: Store
  readonly meter: CacheMeter
  /** Resolves when store and database are known to belong together, or do not answer. Throws `StoreMismatchError`. */
  start(): Promise<void>
  close(): Promise<void>
}

/** The cache of a single-process service: everything is in its memory. */
export function createEmbeddedCache(settings: CacheSettings): RunningCache {
  const store = new MemoryStore(settings.l1MaxBytes)
  const { binding, ...parts } = assemble(settings, {
    store,
    messages: noMessages,
    ping: async () => {},
    shared: null,
    keyPrefix: ''
  })
  return {
    ...parts,
    start: async () => binding?.start(),
    close: async () => {
      parts.breaker.stop()
      await binding?.stop()
    }
  }
}

const PROBE_TTL_MS = 60_000
const MAX_LOAD_MS = 10_000

/** The cache over Redis. Redis is trusted while it accepts writes and every invalidation has reached it. */
export function createRedisCache(redis: RedisClient, keyPrefix: string, settings: CacheSettings): RunningCache {
  const subscriber = duplicateOf(redis)
  // The main connection logs the same errors.
  subscriber.on('error', () => {})
  subscriber.on(REVIVED, (err: Error) =>
    settings.log.warn(
      { err },
      'invalidation messages were interrupted: reconnecting to Redis; if this repeats, check the network to Redis'
    )
  )
  const messages = new RedisMessages(redis, subscriber, keyPrefix)
  const store = new RedisStore(redis, keyPrefix, settings.maxEntryBytes + MAX_HEADER_LENGTH)
  const ping = () => redis.set(`${keyPrefix}:probe`, '', 'PX', PROBE_TTL_MS)
  const { binding, ...parts } = assemble(settings, { store, messages, ping, shared: store, keyPrefix })
  const { breaker, tier } = parts
  messages.listen(
    {
      received: ({ tags, clear, by }) => {
        if (tags !== undefined) tier.drop(tags)
        if (clear !== undefined) tier.deleteMatching(clear)
        if (by !== undefined) settings.log.info({ audit: 'cache cleared', by, pattern: clear }, 'cache cleared')
      },
      interrupted: () => tier.dropAll()
    },
    settings.log
  )
  onInterruption(redis, (reason) => {
    binding?.doubt()
    breaker.open(reason)
  })
  return {
    ...parts,
    start: async () => binding?.start(),
    close: async () => {
      breaker.stop()
      closeRedis(subscriber)
      await binding?.stop()
    }
  }
}

interface StoreParts {
  readonly store: Store
  readonly messages: Messages
  readonly ping: () => Promise<unknown>
  readonly shared: SharedStore | null
  readonly keyPrefix: string
}

function assemble(settings: CacheSettings, { store, messages, ping, shared, keyPrefix }: StoreParts) {
  const { l1MaxBytes, replay, registry, log } = settings
  const tier = new MemoryTier(l1MaxBytes)
  const meter = new CacheMeter()
  const breaker = new Breaker({
    probe: async () => {
      await ping()
      await binding?.check()
      await replay((tags) => cache.renewStamps(tags))
    },
    ready: () => binding?.recent ?? true,
    opened: () => tier.dropAll(),
    meter,
    log
  })
  const doubted = (reason: Error) => breaker.open(reason)
  const clear = async () => {
    await deleteMatching(store, '*')
    tier.dropAll()
  }
  const binding = registry && new StoreBinding({ store: shared, registry, keyPrefix, clear, doubted, log })
  const bound = () => binding === null || (binding.bound && binding.recent)
  const cache = new Cache({ maxLoadMs: MAX_LOAD_MS, ...settings, store, breaker, tier, messages, meter, bound })
  return { cache, breaker, tier, store, meter, binding }
}
