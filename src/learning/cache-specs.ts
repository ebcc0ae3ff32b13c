import { type CacheSpec, shapeOf } from '#cache'
import { tags as courseTags } from '#courses/cache-specs.ts'
import { Progress } from './shapes.ts'

const MINUTE_MS = 60_000
const shape = shapeOf(Progress, 0)

export const tags = { progress: (userId: number) => `user:${userId}:progress` }

export const specs = {
  /** It depends on the course, too: the percentage changes with the number of its chapters. */
  progress: (userId: number, courseId: number): CacheSpec => ({
    key: `user:${userId}:progress:${courseId}`,
    shape,
    tags: [tags.progress(userId), courseTags.course(courseId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  })
}
