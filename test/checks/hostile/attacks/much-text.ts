import { draftOf } from '../../../support/actors.ts'
import { statusOf } from '../../../support/people.ts'
import { oldAccount, tally } from '../accounts.ts'
import type { Attack } from '../attack.ts'

const SECONDS = 15
const AT_ONCE = 8
/** The default of QUOTA_BYTES. */
const MAX_BYTES = 50 * 1024 * 1024
const CONTENT = '字'.repeat(200_000)

/** An account stores no more than its quota, however fast it writes. */
export const attack: Attack = {
  name: 'one account stores chapters as fast as it can',
  seconds: SECONDS + 25,
  run: async (target) => {
    const eve = await oldAccount(target, '192.0.2.3')
    // A module has at most 100 chapters: two modules are enough for twice the quota.
    const drafts = [await draftOf(eve), await draftOf(eve)]
    let n = 0
    const nextPath = () => {
      const { id, moduleId } = drafts[n++ % 2] ?? { id: 0, moduleId: 0 }
      return `/api/v1/courses/${id}/modules/${moduleId}/chapters`
    }
    const end = Date.now() + SECONDS * 1000
    const statuses: number[] = []
    const store = async () => {
      while (Date.now() < end) {
        const status = await statusOf(eve.request('POST', nextPath(), { title: 'C', content: CONTENT }))
        statuses.push(status)
        if (status === 429) break
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, store))
    const bytes = statuses.filter((status) => status === 201).length * Buffer.byteLength(CONTENT)
    const got = `${Math.round(bytes / 1024 / 1024)} MiB in ${statuses.length} requests (${tally(statuses)})`
    if (bytes > MAX_BYTES) throw new Error(got)
    return got
  }
}
