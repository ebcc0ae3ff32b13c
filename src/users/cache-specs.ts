import { type CacheSpec, shapeOf } from '#cache'
import { Account } from './shapes.ts'

const MINUTE_MS = 60_000
const shape = shapeOf(Account, 0)

export const tags = { user: (id: number) => `user:${id}` }

export const specs = {
  profile: (userId: number): CacheSpec => ({
    key: `user:${userId}:profile`,
    shape,
    tags: [tags.user(userId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  })
}
