import { type CacheSpec, shapeOf } from '#cache'
import { Statistics } from './shapes.ts'

const MINUTE_MS = 60_000
const shape = shapeOf(Statistics, 0)

export const specs = {
  /** No tags: almost every write changes a count, and would invalidate it. It is up to five minutes old. */
  overview: (): CacheSpec => ({ key: 'stats:overview', shape, tags: [], ttlMs: 5 * MINUTE_MS })
}
