import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { Id } from '#http/ids.ts'
import { Signer } from './signer.ts'

/** What is kept of a session: nothing of its cookie, which is as the configuration says. Times are in ms since 1970. */
const SessionRecord = Type.Object({
  userId: Id,
  /** Of its row in the database, without which it signs nobody in. */
  rowId: Id,
  epoch: Type.Integer(),
  begunAt: Type.Number(),
  renewedAt: Type.Number()
})
export type SessionRecord = Static<typeof SessionRecord>

/** Compiled: it is asked at every request of whoever is signed in. */
const record = Compile(SessionRecord)

/** A longer text is no session. */
export const MAX_SESSION_BYTES = 512

export interface SessionLifetime {
  /** How long a session lives without being used, in ms. */
  readonly ttlMs: number
  /** How long it lives at most, however often it is used, in ms. */
  readonly maxAgeMs: number
}

/**
 * Sessions as they are stored: signed, together with their ids, so that whoever can write to the store can neither make one nor give one's
 * own to another user.
 */
export class SessionRecords {
  readonly #signer: Signer
  readonly #lifetime: SessionLifetime

  constructor(secrets: readonly string[], lifetime: SessionLifetime) {
    this.#signer = new Signer(secrets, 'session record')
    this.#lifetime = lifetime
  }

  /**
   * The session in a text that was stored under `id`; null for what is none, left by another program or another version, and for one whose
   * time is over: nobody is signed in by it.
   */
  parse(id: string, text: string): SessionRecord | null {
    const end = text.indexOf(' ')
    const json = text.slice(end + 1)
    if (end === -1 || text.length > MAX_SESSION_BYTES) return null
    if (!this.#signer.verifies(`${id} ${json}`, text.slice(0, end))) return null
    const value: unknown = JSON.parse(json)
    if (!record.Check(value)) return null
    const { ttlMs, maxAgeMs } = this.#lifetime
    const now = Date.now()
    return now > value.renewedAt + ttlMs || now > value.begunAt + maxAgeMs ? null : value
  }

  /** The text to store under `id`; null for a session that nobody has signed in to. */
  format(id: string, { userId, rowId, epoch, begunAt, renewedAt }: Partial<SessionRecord>): string | null {
    const fields = { userId, rowId, epoch, begunAt, renewedAt }
    if (!record.Check(fields)) return null
    const json = JSON.stringify(fields)
    return `${this.#signer.sign(`${id} ${json}`)} ${json}`
  }
}
