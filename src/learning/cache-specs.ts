import { type CacheSpec, kindOf } from '#cache'
import { tags as courseTags } from '#courses/cache-specs.ts'
import { tags as userTags } from '#users/cache-specs.ts'
import { Progress } from './shapes.ts'

const MINUTE_MS = 60_000
const kind = kindOf(Progress, 0)

export const tags = { progress: (userId: number) => `user:${userId}:progress` }

export const specs = {
  /**
   * Progress also depends on the course (the percentage changes with the number of chapters, and there is none while
   * the course is unpublished) and on the user (whose role may allow access all the same).
   */
  progress: (userId: number, courseId: number): CacheSpec => ({
    key: `user:${userId}:progress:${courseId}`,
    ...kind,
    tags: [tags.progress(userId), courseTags.course(courseId), userTags.user(userId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  })
}
