import { type Static, Type } from 'typebox'
import { version } from '#config/version.ts'
import type { Database } from '#database/database.ts'
import type { GenerationQueue } from '#generation/queue.ts'
import type { RedisClient } from '#redis/connect.ts'
import { stateOf } from '#redis/state.ts'

const CHECK_TIMEOUT_MS = 1000

const DatabasePart = Type.Enum(['up', 'read-only', 'down'], { type: 'string' })
const RedisPart = Type.Enum(['up', 'read-only', 'partial', 'down', 'embedded'], { type: 'string' })
const QueuePart = Type.Enum(['up', 'no-workers', 'down'], { type: 'string' })

export const Health = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded', 'down'], {
      type: 'string',
      description: 'degraded: public reads work, but some are slower, or nothing can be written'
    }),
    version: Type.String({ description: 'version of the service' }),
    commit: Type.Optional(Type.String({ description: 'the commit it was built from, if the build recorded it' })),
    checks: Type.Object({
      database: Type.Optional(DatabasePart),
      redis: Type.Optional({ ...RedisPart, description: 'Redis of the cache' }),
      sessions: Type.Optional({ ...RedisPart, description: 'Redis of the sessions, if it is a separate one' }),
      limits: Type.Optional({ ...RedisPart, description: 'Redis of the rate limits, if it is a separate one' }),
      queue: Type.Optional({ ...QueuePart, description: 'queue of generations' })
    }),
    reasons: Type.Array(Type.String(), { description: 'why the status is not ok, one sentence per part' })
  },
  { title: 'Health' }
)

type Health = Static<typeof Health>

/** Which build this is. */
export function buildOf({ commit }: { readonly commit: string | null }) {
  return { version, ...(commit !== null && { commit }) }
}

export interface Checked {
  readonly database: Database
  readonly queue: GenerationQueue
  /** A client is absent if the service runs embedded, or if that part has no Redis of its own. */
  readonly redis: Readonly<Partial<Record<'redis' | 'sessions' | 'limits', RedisClient>>>
  readonly keyPrefix: string
}

const REASONS = {
  down: 'does not answer',
  'read-only': 'takes no writes',
  partial: 'is not all there',
  'no-workers': 'no worker is alive: generations wait until one is (npm run worker, or WORKER=inline)'
}

interface Finding<State extends string> {
  readonly state: State
  readonly reason?: string
}

/**
 * Checks all parts, for at most a second. Without its database the service is down; if the database is read-only, a
 * Redis is not fully available, or the queue has no workers, the service is degraded.
 */
export async function checkHealth(checked: Checked): Promise<Omit<Health, 'version' | 'commit'>> {
  const { redis, keyPrefix } = checked
  const redisState = (client: RedisClient | undefined) => client && within(stateOf(client, keyPrefix))
  const [database, queue, cache, sessions, limits] = await Promise.all([
    within(checked.database.check().then((state) => ({ state }))),
    within(checked.queue.check().then((state) => ({ state }))),
    redisState(redis.redis),
    redisState(redis.sessions),
    redisState(redis.limits)
  ])
  const found = { database, redis: cache, sessions, limits, queue }
  const reasons = Object.entries(found).flatMap(([part, finding]) =>
    finding === undefined || finding.state === 'up' ? [] : [`${part}: ${finding.reason ?? REASONS[finding.state]}`]
  )
  return {
    status: database.state === 'down' ? 'down' : reasons.length > 0 ? 'degraded' : 'ok',
    checks: {
      database: database.state,
      redis: cache?.state ?? 'embedded',
      ...(sessions && { sessions: sessions.state }),
      ...(limits && { limits: limits.state }),
      queue: queue.state
    },
    reasons
  }
}

async function within<State extends string>(question: Promise<Finding<State>>): Promise<Finding<State | 'down'>> {
  const down = { state: 'down' } as const
  const timeout = Promise.withResolvers<typeof down>()
  const timer = setTimeout(() => timeout.resolve(down), CHECK_TIMEOUT_MS)
  const answer = question.catch(() => down)
  return Promise.race([answer, timeout.promise]).finally(() => clearTimeout(timer))
}
