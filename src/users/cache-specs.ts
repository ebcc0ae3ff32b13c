import { type CacheSpec, kindOf, shapeOf } from '#cache'
import { AccountWithSessions, User } from './shapes.ts'

const MINUTE_MS = 60_000
/**
 * Bounds how long a revoked role survives if somebody with write access to Redis hides the change; normally it ends at
 * once.
 */
const ACCOUNT_TTL_MS = 5000
const profile = kindOf(User, 0)
const accountShape = shapeOf(AccountWithSessions, 0)

export const tags = { user: (id: number) => `user:${id}`, sessions: (id: number) => `user:${id}:sessions` }

export const specs = {
  /** The public profile of a user. */
  profile: (userId: number): CacheSpec => ({
    key: `user:${userId}:profile`,
    ...profile,
    tags: [tags.user(userId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  }),
  /**
   * The account behind a session, with its valid sessions and its role. Each process reads it from the database, never
   * from Redis.
   */
  account: (userId: number): CacheSpec => ({
    key: `user:${userId}:account`,
    shape: accountShape,
    tags: [tags.user(userId), tags.sessions(userId)],
    ttlMs: ACCOUNT_TTL_MS,
    strict: true,
    authoritative: true
  })
}
