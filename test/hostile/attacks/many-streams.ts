import { setTimeout as sleep } from 'node:timers/promises'
import { generate, PATH } from '../../support/generations.ts'
import { oldAccount, tally } from '../accounts.ts'
import type { Attack } from '../attack.ts'

const STREAMS = 900
/** The default of MAX_STREAMS_PER_USER. */
const MAX_OPEN = 20
const HOLD_MS = 3000

/** One user holds few streams, and none of them once he has signed out. */
export const attack: Attack = {
  name: 'one user opens 900 streams of events, and signs out everywhere',
  seconds: 30,
  run: async (target) => {
    const eve = await oldAccount(target)
    const { id } = await generate(eve, { modules: 12, chaptersPerModule: 10, language: 'ru' })
    const closing = new AbortController()
    const open = async () => {
      const init = { headers: { cookie: eve.cookie }, signal: closing.signal }
      const { status, body } = await fetch(`${target.url}${PATH}/${id}/events`, init)
      const read = async () => {
        for await (const _chunk of body ?? []);
      }
      return { status, ended: read().then(() => 'ended') }
    }
    const streams = await Promise.all(Array.from({ length: STREAMS }, open))
    const opened = streams.filter(({ status }) => status === 200)
    await sleep(HOLD_MS)
    await eve.request('POST', '/api/v1/auth/logout-everywhere')
    const left = await Promise.all(opened.map(({ ended }) => Promise.race([ended, sleep(10_000, 'open')])))
    closing.abort()
    const still = left.filter((state) => state === 'open').length
    const got = `${tally(streams.map(({ status }) => status))}; ${still} still open after signing out`
    if (opened.length > MAX_OPEN || still > 0) throw new Error(got)
    return got
  }
}
