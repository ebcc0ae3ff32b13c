import type { Attack, Target } from '../attack.ts'

const AT_ONCE = 90
const SECONDS = 8

/** One visitor repeatedly sends as many different searches at once as the limit allows. */
export const attack: Attack = {
  name: `one visitor sends ${AT_ONCE} searches at a time`,
  seconds: SECONDS + 10,
  async run({ url }: Target) {
    const statuses = new Map<number, number>()
    const endsAt = performance.now() + SECONDS * 1000
    let sent = 0
    while (performance.now() < endsAt) {
      const searches = Array.from({ length: AT_ONCE }, async () => {
        const search = `основы ${sent++}`
        // Through the proxy of the check: an address whose limit no other attack has used up.
        const headers = { 'x-forwarded-for': '203.0.113.90' }
        const answer = await fetch(`${url}/api/v1/courses?sort=title&search=${encodeURIComponent(search)}`, { headers })
        await answer.arrayBuffer()
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      })
      await Promise.all(searches)
    }
    const failed = [...statuses.keys()].filter((status) => ![200, 429, 503].includes(status))
    if (failed.length > 0) throw new Error(`searches were answered with ${failed.join(', ')}`)
    if (!statuses.has(200)) throw new Error('no search was answered')
    return [...statuses].map(([status, count]) => `${status}: ${count}`).join(', ')
  }
}
