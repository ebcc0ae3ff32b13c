import { setTimeout as sleep } from 'node:timers/promises'
import type { Cache } from '#cache'
import { createRedisCache } from '#cache'
import { ownKeys } from '#cached-data/own-keys.ts'
import type { Config } from '#config/config.ts'
import { loadErrors } from '#http/errors.ts'
import type { Log } from '#logging/log.ts'
import { connectRedis, type RedisClient } from '#redis/connect.ts'

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/**
 * The cache in Redis, for a command, which has to report errors itself. It may still be untrusted after `waitMs`. Do
 * not read values with tags: missed invalidations are not replayed.
 */
export async function openCache(
  url: string,
  config: Config,
  waitMs: number
): Promise<{ redis: RedisClient; cache: Cache }> {
  const redis = connectRedis(url)
  redis.on('error', () => {})
  const settings = { ...config.cache, ownKeys, errors: loadErrors, replay: async () => {}, registry: null, log: silent }
  const { cache, breaker } = createRedisCache(redis, config.redis.keyPrefix, settings)
  await Promise.race([breaker.probe(), sleep(waitMs)])
  return { redis, cache }
}
