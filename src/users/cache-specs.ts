import { type CacheSpec, kindOf, shapeOf } from '#cache'
import { AccountWithSessions, User } from './shapes.ts'

const MINUTE_MS = 60_000
/** For so long a role may count that was taken away, if somebody who writes to Redis hides the change from this process; else it ends at once. */
const ACCOUNT_TTL_MS = 5000
const profile = kindOf(User, 0)
const accountShape = shapeOf(AccountWithSessions, 0)

export const tags = { user: (id: number) => `user:${id}`, sessions: (id: number) => `user:${id}:sessions` }

export const specs = {
  /** What everybody may see of a user. */
  profile: (userId: number): CacheSpec => ({
    key: `user:${userId}:profile`,
    ...profile,
    tags: [tags.user(userId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  }),
  /** Whom a session is of, which of his sessions have not ended, and what he may do: read from the database by each process. */
  account: (userId: number): CacheSpec => ({
    key: `user:${userId}:account`,
    shape: accountShape,
    tags: [tags.user(userId), tags.sessions(userId)],
    ttlMs: ACCOUNT_TTL_MS,
    strict: true,
    authoritative: true
  })
}
