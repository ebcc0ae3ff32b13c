/**
 * Guards against values that somebody else put under our keys in Redis: they are ignored, and must not fill the memory
 * here.
 */
import type { RedisClient } from '#redis/connect.ts'

/** An error handler that calls `instead` if the key has another type. */
export function ifWrongType<T>(instead: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (/WRONGTYPE/.test(String(error))) return instead()
    throw error
  }
}

/** Whether the value of a key takes at most `bytes`; true as well if Redis does not allow MEMORY USAGE. */
export async function isWithin(redis: RedisClient, key: string, bytes: number): Promise<boolean> {
  const taken: unknown = await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0').catch(() => null)
  return typeof taken !== 'number' || taken <= bytes
}
