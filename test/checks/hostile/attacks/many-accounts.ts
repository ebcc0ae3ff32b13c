import { randomUUID } from 'node:crypto'
import { statusOf } from '../../../support/people.ts'
import { RemoteActor, tally } from '../accounts.ts'
import type { Attack } from '../attack.ts'

const ACCOUNTS = 10
const GENERATIONS = 11
/** The default of RATE_LIMIT_GENERATION_NETWORK. */
const MAX_ACCEPTED = 20
const LARGEST = { topic: 'Chess', level: 'beginner', language: 'en', modules: 12, chaptersPerModule: 10 }

/** New accounts of one network share its limits, so ten of them get no more than one. */
export const attack: Attack = {
  name: 'ten new accounts from one network request the largest courses',
  seconds: 30,
  run: async ({ url }) => {
    const made = await Promise.all(
      Array.from({ length: ACCOUNTS }, async () => {
        const actor = new RemoteActor(url, '192.0.2.1')
        const body = { email: `${randomUUID()}@example.org`, password: randomUUID(), name: 'Eve' }
        return { actor, status: await actor.enter('register', body) }
      })
    )
    const actors = made.filter(({ status }) => status === 201)
    const asked = actors.flatMap(({ actor }) =>
      Array.from({ length: GENERATIONS }, () => statusOf(actor.request('POST', '/api/v1/generation', LARGEST)))
    )
    const statuses = await Promise.all(asked)
    const accepted = statuses.filter((status) => status === 202).length
    const got = `accounts ${tally(made.map(({ status }) => status))}; generations ${tally(statuses)}`
    if (accepted > MAX_ACCEPTED) throw new Error(`${accepted} generations were accepted: ${got}`)
    return got
  }
}
