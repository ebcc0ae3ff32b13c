import { connectRedis, type RedisClient } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { BackupError, messageOf } from './backup-error.ts'

const COMMAND_TIMEOUT_MS = 5000
/** Long enough for a failover. */
const WAIT_MS = 10_000
/** What another attempt does not change. */
const FINAL = /WRONGPASS|NOAUTH|NOPERM|ENOTFOUND|certificate/i

/** Runs a task on the Redis of a URL. Throws `BackupError`, which names the variable, where it cannot be used. */
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
    // A cluster says itself only that no node could be asked.
    problem = messageOf(error.lastNodeError ?? error)
    if (FINAL.test(problem)) reject(new Error(problem))
  })
  const timer = setTimeout(() => reject(new Error(problem)), WAIT_MS)
  return promise.finally(() => clearTimeout(timer))
}
