import type { Redis } from 'ioredis'
import { mastersOf, type RedisClient } from '#redis/connect.ts'
import { isDataKey } from '../keys.ts'
import type { Found, KeyPage } from './store.ts'

/** The maximum number of SCAN steps per page: only few of many keys may match. */
const MAX_STEPS = 100
/** Cursors of Redis have 64 bits. */
const MAX_POSITION = 2n ** 64n - 1n
const CURSOR = /^(\d{1,4})-(\d{1,20})$/

/**
 * A page of the keys of cached data that match, starting at a cursor, by SCAN through one master after another; each
 * master is asked for the memory usage of its own keys. Throws `RangeError` for an invalid cursor.
 */
export async function pageOfRedis(
  redis: RedisClient,
  prefix: string,
  match: string,
  cursor: string | null,
  limit: number
): Promise<KeyPage> {
  const masters = mastersOf(redis)
  let [index, position] = parse(cursor, masters.length)
  const found = new Map<string, Redis>()
  for (let step = 0; step < MAX_STEPS && found.size < limit; step++) {
    const master = masters[index]
    if (master === undefined) break
    const [next, keys] = await master.scan(position, 'MATCH', match, 'COUNT', limit)
    for (const key of keys) if (isDataKey(key.slice(prefix.length))) found.set(key, master)
    position = next
    if (position === '0') index++
  }
  const items = await Promise.all([...found].map(([key, master]) => describe(redis, master, key, prefix.length)))
  return {
    items: items.filter((item) => item !== null),
    next: index < masters.length ? `${index}-${position}` : null
  }
}

/**
 * The memory usage of keys on a master, in bytes; null for a key on another master, or if the command is not permitted.
 */
export function memoryUsageOn(master: Redis, keys: readonly string[]): Promise<(number | null)[]> {
  return Promise.all(
    keys.map(async (key) => {
      const bytes: unknown = await master.call('MEMORY', 'USAGE', key).catch(() => null)
      return typeof bytes === 'number' ? bytes : null
    })
  )
}

/** Null if the key no longer exists. */
async function describe(redis: RedisClient, master: Redis, key: string, prefixLength: number): Promise<Found | null> {
  const [ttlMs, [bytes = null]] = await Promise.all([redis.pttl(key), memoryUsageOn(master, [key])])
  return ttlMs === -2 ? null : { key: key.slice(prefixLength), bytes, ttlMs: ttlMs < 0 ? null : ttlMs }
}

function parse(cursor: string | null, masters: number): [index: number, position: string] {
  if (cursor === null) return [0, '0']
  const [, index = '', position = ''] = CURSOR.exec(cursor) ?? []
  if (position === '' || Number(index) >= masters || BigInt(position) > MAX_POSITION)
    throw new RangeError('invalid cursor')
  return [Number(index), position]
}
