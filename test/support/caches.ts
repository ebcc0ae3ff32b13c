import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { ownKeys } from '#cached-data/own-keys.ts'
import { loadErrors } from '#http/errors.ts'
import { connectRedis } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import type { Cache, DependOn } from '../../src/cache/cache.ts'
import { createEmbeddedCache, createRedisCache, type RunningCache } from '../../src/cache/create.ts'
import type { CacheSpec } from '../../src/cache/keys.ts'
import { type Outcome, Trace } from '../../src/cache/read/trace.ts'
import { until } from './eventually.ts'
import { recordingLog } from './recording-log.ts'
import type { RedisServer } from './redis.ts'

const MEBIBYTE = 1024 * 1024
const DEFAULTS = {
  defaultTtlMs: 300_000,
  l1LeaseMs: 1000,
  l1MaxBytes: 16 * MEBIBYTE,
  maxEntryBytes: MEBIBYTE,
  staleIfErrorMs: 600_000,
  maxLoadMs: 10_000,
  ownKeys,
  errors: loadErrors
}

export type Settings = Partial<typeof DEFAULTS>
export type Replay = (apply: (tags: string[]) => Promise<void>) => Promise<void>
const nothingToReplay: Replay = async () => {}

/** The cache of one process, with its log. */
export interface Instance extends RunningCache {
  readonly logged: () => string
}

/** The cache of a service of one process, without Redis. */
export async function embeddedCache(t: Test, settings: Settings = {}, replay = nothingToReplay): Promise<Instance> {
  const { log, written } = recordingLog()
  const running = createEmbeddedCache({ ...DEFAULTS, ...settings, replay, registry: null, log })
  t.teardown(() => running.close())
  await running.breaker.probe()
  return { ...running, logged: written }
}

/** A cache on Redis, like that of one process of a service. It is trusted once Redis has answered. */
export function cacheOn(
  t: Test,
  url: string,
  prefix: string,
  settings: Settings = {},
  replay = nothingToReplay
): Instance {
  const { log, written } = recordingLog()
  const redis = connectRedis(url)
  redis.on('error', () => {})
  const running = createRedisCache(redis, prefix, { ...DEFAULTS, ...settings, replay, registry: null, log })
  t.teardown(() => {
    running.close()
    closeRedis(redis)
  })
  void running.breaker.probe()
  return { ...running, logged: written }
}

/**
 * The caches of the processes of a new service on one Redis: all of them trust it, and receive each other's messages.
 */
export async function openService(t: Test, server: RedisServer, settings: readonly Settings[], replay?: Replay) {
  const prefix = randomUUID()
  const instances = settings.map((one) => cacheOn(t, server.url, prefix, one, replay))
  await Promise.all(instances.map(({ breaker }) => breaker.probe()))
  const redis = plainClient(t, server)
  await until(async () => (await redis.pubsub('NUMSUB', `${prefix}:invalidations`))[1] === instances.length, 2000)
  return { prefix, instances, redis, caches: instances.map(({ cache }) => cache) }
}

/** A Redis client that bypasses the service. */
export function plainClient(t: Test, server: RedisServer): Redis {
  const redis = new Redis(server.url)
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  return redis
}

/** Cuts the connections on which processes receive messages. */
export async function cutSubscriptions(redis: Redis): Promise<void> {
  await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
}

type Open = (t: Test, settings?: Settings) => Promise<Instance>

/** Runs the suite on a cache in this process, then on one over a separate Redis, except in `npm run test:unit`. */
export async function onBothStores(t: Test, suite: (t: Test, open: Open) => Promise<void>): Promise<void> {
  await t.test('in memory', (t) => suite(t, embeddedCache))
  const skip = process.env.TEST_STORES === 'memory' && 'npm run test:unit starts no Redis'
  await t.test('over Redis', { skip }, async (t) => {
    const { RedisServer } = await import('./redis.ts')
    const server = await RedisServer.start()
    t.teardown(() => server.stop())
    await suite(t, async (t, settings = {}) => {
      const { instances } = await openService(t, server, [settings])
      return present(instances[0])
    })
  })
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not there')
  return value
}

/** A value to cache, which counts its loads. */
export class Source<T> {
  value: T
  loads = 0

  constructor(value: T) {
    this.value = value
  }

  readonly load = async (): Promise<T> => {
    this.loads++
    return this.value
  }

  /** A load that has read the value when `started` resolves, and returns it after `finish` is called. */
  gated() {
    const started = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const load = async (): Promise<T> => {
      const value = await this.load()
      started.resolve()
      await gate.promise
      return value
    }
    return { load, started: started.promise, finish: gate.resolve }
  }
}

/** One read: its value, and the outcome reported by the cache. */
export async function read<T>(cache: Cache, spec: CacheSpec, load: (dependOn: DependOn) => Promise<T>) {
  const trace = new Trace()
  const value = await cache.wrap(spec, load, trace)
  return { value, trace, outcome: trace.outcome satisfies Outcome }
}

let keys = 0
/** A spec with a unique key and tag. */
export function freshSpec(spec: Partial<CacheSpec> = {}): CacheSpec {
  const key = `course:${++keys}`
  return { key, shape: 'test', tags: [key], ttlMs: 60_000, ...spec }
}
