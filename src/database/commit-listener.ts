import type { Cache } from '#cache'
import type { Log } from '#logging/log.ts'
import type { CommitListener } from './commits.ts'
import { currentClient } from './on-behalf-of.ts'
import type { Outbox } from './outbox.ts'

/** How long a write that cannot reach Redis waits for an instance that can. */
const HAND_OVER_PATIENCE_MS = 300

/** Told of every invalidation, and by whose write it was, as `user:7`; null where that is not known. */
type Note = (tags: readonly string[], by: string | null) => void

/** Visitors are not told. */
const USER = /^user:\d+$/

/**
 * What happens between a commit and its acknowledgement: the tags it touched get new stamps. Where that fails, the rows
 * stay in the outbox, and whichever instance still reaches Redis applies them at once.
 */
export function invalidateOnCommit(cache: Cache, outbox: Outbox, log: Log, note: Note = () => {}): CommitListener {
  return async (invalidations) => {
    if (invalidations.length === 0) return
    const tags = invalidations.map(({ tag }) => tag)
    const client = currentClient()
    note(tags, client !== undefined && USER.test(client) ? client : null)
    try {
      await cache.invalidate(tags)
      outbox.acknowledge(invalidations.map(({ id }) => id))
    } catch (err) {
      log.warn(
        { err, invalidations: invalidations.length },
        'invalidation left to the sweepers: Redis did not acknowledge it'
      )
      const ids = invalidations.map(({ id }) => id)
      await outbox.handOver(ids, HAND_OVER_PATIENCE_MS).catch(() => {})
    }
  }
}
