import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, Target } from '../attack.ts'

const AT_ONCE = 50
const PATIENCE_MS = 20
const SECONDS = 8
/**
 * Clients connect without a proxy: each disconnect costs a new connection, and behind a proxy, limiting those is its
 * task.
 */
const ADDRESSES = ['127.0.2.1', '127.0.2.2', '127.0.2.3']

/** When clients disconnect, the database must cancel their searches. */
export const attack: Attack = {
  name: `${AT_ONCE} searches at a time, whose clients disconnect after ${PATIENCE_MS} ms`,
  seconds: SECONDS + 10,
  async run({ url }: Target) {
    const agents = ADDRESSES.map((localAddress) => new Agent({ localAddress }))
    let sent = 0
    let refused = 0
    const endsAt = performance.now() + SECONDS * 1000
    while (performance.now() < endsAt) {
      let isWaiting = true
      const searches = Array.from({ length: AT_ONCE }, () => {
        const agent = agents[sent % agents.length]
        return get(`${url}/api/v1/courses?search=${encodeURIComponent(`для ${sent++}`)}`, { agent }).on('error', () => {
          if (isWaiting) refused++
        })
      })
      await sleep(PATIENCE_MS)
      isWaiting = false
      for (const search of searches) search.destroy()
    }
    return `${sent} searches started, ${refused} connections refused`
  }
}
