import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { PrefixCounts, RunningCache } from '#cache'
import { DATA_PREFIXES } from '#cache'

const STORE_SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25]

/**
 * Exposes the counters of the cache's meter as metrics. They are read on scraping, so reads of the cache pay nothing.
 */
export function registerCacheMetrics(registers: Registry[], { meter, tier, cache }: RunningCache): void {
  const byPrefix = (name: string, help: string, count: (counts: PrefixCounts) => number) =>
    new Counter({
      name: `aikademiya_cache_${name}_total`,
      help,
      labelNames: ['prefix'],
      registers,
      collect() {
        this.reset()
        for (const prefix of DATA_PREFIXES) this.inc({ prefix }, count(meter.prefixes[prefix]))
      }
    })
  const total = (name: string, help: string, count: () => number) =>
    new Counter({
      name: `aikademiya_${name}_total`,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(count())
      }
    })
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `aikademiya_${name}`,
      help,
      registers,
      collect() {
        this.set(value())
      }
    })

  new Counter({
    name: 'aikademiya_cache_hits_total',
    help: 'Reads that the cache answered, by prefix and tier',
    labelNames: ['prefix', 'tier'],
    registers,
    collect() {
      this.reset()
      for (const prefix of DATA_PREFIXES) {
        this.inc({ prefix, tier: 'memory' }, meter.prefixes[prefix].memoryHits)
        this.inc({ prefix, tier: 'store' }, meter.prefixes[prefix].storeHits)
      }
    }
  })
  byPrefix('misses', 'Reads that the cache could not answer', ({ misses }) => misses)
  byPrefix('stale', 'Reads answered with an expired copy, because the database failed', ({ stale }) => stale)
  byPrefix('bypassed', 'Reads answered without Redis while it was not trusted', ({ bypassed }) => bypassed)
  byPrefix('loads', 'Loads from the database', ({ loads }) => loads)
  byPrefix('load_errors', 'Loads from the database that failed', ({ loadErrors }) => loadErrors)
  byPrefix('load_seconds', 'Time of loads from the database, in seconds', ({ loadMs }) => loadMs / 1000)
  total('cache_invalidations', 'Invalidations by writes of this process', () => meter.invalidations)
  total('cache_invalidated_tags', 'Tags that were given new stamps', () => meter.invalidatedTags)
  total('cache_oversized', 'Values that were not stored: larger than CACHE_MAX_ENTRY_BYTES', () => meter.oversized)
  total('redis_errors', 'Commands of the cache that failed', () => meter.storeErrors)
  total(
    'redis_interruptions',
    'How often the cache stopped trusting Redis, because it failed or was lost',
    () => meter.interruptions
  )
  gauge('redis_trusted', '1 while the cache asks Redis (its circuit breaker is closed)', () => (cache.trusted ? 1 : 0))
  gauge('l1_bytes', 'Size of the memory tier', () => tier.bytes)
  gauge('l1_entries', 'Copies in the memory tier', () => tier.count)

  const answers = new Histogram({
    name: 'aikademiya_redis_answer_seconds',
    help: 'How long Redis takes to answer the cache',
    buckets: STORE_SECONDS,
    registers
  })
  meter.observeStore = (ms) => answers.observe(ms / 1000)
}
