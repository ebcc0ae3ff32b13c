/** What others may have put into Redis by hand, under keys of ours: it is left alone, and takes no memory here. */
import type { RedisClient } from '#redis/connect.ts'

/** Does something else where a key is of another type. */
export function ifWrongType<T>(instead: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (/WRONGTYPE/.test(String(error))) return instead()
    throw error
  }
}

/** True unless what is under a key takes more than so many bytes, as far as Redis may be asked. */
export async function isWithin(redis: RedisClient, key: string, bytes: number): Promise<boolean> {
  const taken: unknown = await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0').catch(() => null)
  return typeof taken !== 'number' || taken <= bytes
}
