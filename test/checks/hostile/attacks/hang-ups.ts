import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, Target } from '../attack.ts'

const AT_ONCE = 50
const PATIENCE_MS = 20
const SECONDS = 8

/** Searches of which nobody waits for the answer: the database must not go on with them. */
export const attack: Attack = {
  name: `${AT_ONCE} searches at a time whose client hangs up after ${PATIENCE_MS} ms`,
  seconds: SECONDS + 10,
  async run({ url }: Target) {
    let sent = 0
    const endsAt = performance.now() + SECONDS * 1000
    while (performance.now() < endsAt) {
      const gone = new AbortController()
      const searches = Array.from({ length: AT_ONCE }, () =>
        fetch(`${url}/api/v1/courses?search=${encodeURIComponent(`для ${sent++}`)}`, {
          signal: gone.signal,
          headers: { 'x-forwarded-for': `198.51.100.${sent % 3}` }
        }).catch(() => {})
      )
      await sleep(PATIENCE_MS)
      gone.abort()
      await Promise.all(searches)
    }
    return `${sent} searches begun`
  }
}
