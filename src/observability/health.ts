import { type Static, Type } from 'typebox'
import { version } from '#config/version.ts'
import type { Database } from '#database/database.ts'
import type { GenerationQueue } from '#generation/queue.ts'
import type { RedisClient } from '#redis/connect.ts'

const CHECK_TIMEOUT_MS = 1000

const Part = Type.Enum(['up', 'down', 'embedded'], { type: 'string' })
const DatabasePart = Type.Enum(['up', 'read-only', 'down'], { type: 'string' })

export const Health = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded', 'down'], {
      type: 'string',
      description: 'degraded: public reads work, some slower; or nothing can be written'
    }),
    version: Type.String({ description: 'of the service' }),
    checks: Type.Object({
      database: Type.Optional(DatabasePart),
      redis: Type.Optional(Part),
      queue: Type.Optional(Part)
    })
  },
  { title: 'Health' }
)

/**
 * Asks them all, a second at most. Without its database the service is down; where that takes no writes, or without Redis or
 * the queue, it is degraded.
 */
export async function checkHealth(
  database: Database,
  redis: RedisClient | null,
  queue: GenerationQueue
): Promise<Static<typeof Health>> {
  let readOnly = false
  const check = database.check().then((state) => {
    readOnly = state === 'read-only'
  })
  const [databaseUp, redisUp, queueUp] = await Promise.all([
    answers(check),
    redis === null || answers(redis.ping()),
    answers(queue.check())
  ])
  return {
    version,
    status: databaseUp ? (redisUp && queueUp && !readOnly ? 'ok' : 'degraded') : 'down',
    checks: {
      database: databaseUp ? (readOnly ? 'read-only' : 'up') : 'down',
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
