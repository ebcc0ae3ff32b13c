import { type CacheSpec, kindOf } from '#cache'
import { Statistics } from './shapes.ts'

const MINUTE_MS = 60_000
const kind = kindOf(Statistics, 0)

export const specs = {
  /** No tags: almost every write changes a count, and would invalidate it. It is up to five minutes old. */
  overview: (): CacheSpec => ({ key: 'stats:overview', ...kind, tags: [], ttlMs: 5 * MINUTE_MS })
}
