import { connectRedis, type RedisClient } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { BackupError, messageOf } from './backup-error.ts'

const COMMAND_TIMEOUT_MS = 5000
/** Long enough for a failover. */
const WAIT_MS = 10_000
/** Errors that retrying cannot fix. */
const FINAL = /WRONGPASS|NOAUTH|NOPERM|ENOTFOUND|certificate/i

/**
 * Runs a task with a client of the Redis at `url`. Throws a `BackupError` that names the variable if Redis cannot be
 * used.
 */
export async function onRedis<T>(url: string, variable: string, task: (redis: RedisClient) => Promise<T>): Promise<T> {
  const redis = connectRedis(url, COMMAND_TIMEOUT_MS)
  try {
    await ready(redis).catch((error) => {
      throw new BackupError(`Redis cannot be used: ${messageOf(error)}; check ${variable}, its host, user and password`)
    })
    return await task(redis)
  } finally {
    closeRedis(redis)
  }
}

function ready(redis: RedisClient): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let problem = 'no answer'
  redis.once('ready', resolve)
  redis.on('error', (error) => {
    // The cluster's own error only says that no node could be reached.
    problem = messageOf(error.lastNodeError ?? error)
    if (FINAL.test(problem)) reject(new Error(problem))
  })
  const timer = setTimeout(() => reject(new Error(problem)), WAIT_MS)
  return promise.finally(() => clearTimeout(timer))
}
