import { type CacheSpec, kindOf } from '#cache'
import { Statistics } from './shapes.ts'

const MINUTE_MS = 60_000
const kind = kindOf(Statistics, 0)

export const specs = {
  /** No tags, because almost every write changes a count. The overview may be up to five minutes old. */
  overview: (): CacheSpec => ({ key: 'stats:overview', ...kind, tags: [], ttlMs: 5 * MINUTE_MS })
}
