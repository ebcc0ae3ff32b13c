import { type Static, Type } from 'typebox'
import type { Database } from './db/database.ts'
import type { GenerationQueue } from './generation/queue.ts'
import type { RedisClient } from './redis/connect.ts'

const CHECK_TIMEOUT_MS = 1000

const Part = Type.Enum(['up', 'down', 'embedded'], { type: 'string' })

export const Health = Type.Object({
  status: Type.Enum(['ok', 'degraded', 'down'], { type: 'string', description: 'degraded: public reads work, slower' }),
  checks: Type.Object({ database: Type.Optional(Part), redis: Type.Optional(Part), queue: Type.Optional(Part) })
})

/** Asks them all, a second at most. Without its database the service is down; without Redis, or the queue, it is degraded. */
export async function checkHealth(
  database: Database,
  redis: RedisClient | null,
  queue: GenerationQueue
): Promise<Static<typeof Health>> {
  const [databaseUp, redisUp, queueUp] = await Promise.all([
    answers(database.client.$queryRaw`select 1`),
    redis === null || answers(redis.ping()),
    answers(queue.check())
  ])
  return {
    status: databaseUp ? (redisUp && queueUp ? 'ok' : 'degraded') : 'down',
    checks: {
      database: databaseUp ? 'up' : 'down',
      redis: redis === null ? 'embedded' : redisUp ? 'up' : 'down',
      queue: queueUp ? 'up' : 'down'
    }
  }
}

async function answers(question: PromiseLike<unknown>): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => timeout.resolve(false), CHECK_TIMEOUT_MS)
  const answer = Promise.resolve(question).then(
    () => true,
    () => false
  )
  return Promise.race([answer, timeout.promise]).finally(() => clearTimeout(timer))
}
