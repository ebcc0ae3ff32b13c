import { setTimeout as sleep } from 'node:timers/promises'
import { generate, PATH } from '../../../support/generations.ts'
import { oldAccount, tally } from '../accounts.ts'
import type { Attack } from '../attack.ts'

const STREAMS = 900
/** The default of MAX_STREAMS_PER_USER. */
const MAX_OPEN = 20
const HOLD_MS = 3000
/** The result for a connection that was not accepted. */
const refused = { status: 0, ended: Promise.resolve('ended') }

/** A user can have few open streams, and none after signing out. */
export const attack: Attack = {
  name: 'one user opens 900 event streams, then signs out everywhere',
  seconds: 60,
  run: async (target) => {
    const eve = await oldAccount(target, '192.0.2.2')
    const { id } = await generate(eve, { modules: 12, chaptersPerModule: 10, language: 'ru' })
    const open = async () => {
      const { status, body } = await eve.get(`${PATH}/${id}/events`)
      const read = async () => {
        for await (const _chunk of body ?? []);
      }
      return { status, ended: read().then(() => 'ended') }
    }
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => open().catch(() => refused)))
    const opened = streams.filter(({ status }) => status === 200)
    await sleep(HOLD_MS)
    await eve.request('POST', '/api/v1/auth/logout-everywhere')
    const left = await Promise.all(opened.map(({ ended }) => Promise.race([ended, sleep(10_000, 'open')])))
    const still = left.filter((state) => state === 'open').length
    const got = `${tally(streams.map(({ status }) => status))}; ${still} still open after signing out`
    if (opened.length === 0 || opened.length > MAX_OPEN || still > 0) throw new Error(got)
    return got
  }
}
