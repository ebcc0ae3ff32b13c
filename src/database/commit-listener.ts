import type { Cache } from '#cache'
import type { Log } from '#logging/log.ts'
import type { CommitListener } from './commits.ts'
import { currentClient } from './on-behalf-of.ts'
import type { Outbox } from './outbox.ts'

/** How long a write that cannot reach Redis waits for an instance that can. */
const HAND_OVER_TIMEOUT_MS = 300

/** Called with every invalidation, and the user whose write caused it, such as `user:7`, or null. */
type RecordInvalidation = (tags: readonly string[], by: string | null) => void

/** Clients that are not users (visitors, by their address) are not recorded. */
const USER = /^user:\d+$/

/**
 * What happens between a commit and its acknowledgement: the tags that it touched get new stamps. If that fails, the
 * rows stay in the outbox, and any instance that can still reach Redis applies them at once.
 */
export function invalidateOnCommit(
  cache: Cache,
  outbox: Outbox,
  log: Log,
  record: RecordInvalidation = () => {}
): CommitListener {
  return async (invalidations) => {
    if (invalidations.length === 0) return
    const tags = invalidations.map(({ tag }) => tag)
    const client = currentClient()
    record(tags, client !== undefined && USER.test(client) ? client : null)
    try {
      await cache.invalidate(tags)
      outbox.acknowledge(invalidations.map(({ id }) => id))
    } catch (err) {
      log.warn(
        { err, invalidations: invalidations.length },
        'invalidation left to the sweepers: Redis did not acknowledge it'
      )
      const ids = invalidations.map(({ id }) => id)
      await outbox.handOver(ids, HAND_OVER_TIMEOUT_MS).catch(() => {})
    }
  }
}
