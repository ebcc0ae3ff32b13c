import { type CacheSpec, kindOf } from '#cache'
import { tags as courseTags } from '#courses/cache-specs.ts'
import { tags as userTags } from '#users/cache-specs.ts'
import { Progress } from './shapes.ts'

const MINUTE_MS = 60_000
const kind = kindOf(Progress, 0)

export const tags = { progress: (userId: number) => `user:${userId}:progress` }

export const specs = {
  /**
   * It depends on the course, too: the percentage changes with the number of its chapters, and there is none while it is not published;
   * and on the user, whose role may let him see it all the same.
   */
  progress: (userId: number, courseId: number): CacheSpec => ({
    key: `user:${userId}:progress:${courseId}`,
    ...kind,
    tags: [tags.progress(userId), courseTags.course(courseId), userTags.user(userId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  })
}
