import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { Id } from '#http/ids.ts'
import { Signer } from './signer.ts'

/**
 * The stored part of a session; the attributes of its cookie come from the configuration. Times are in ms since 1970.
 */
const SessionRecord = Type.Object({
  userId: Id,
  /** Its row in the database, without which the session is not valid. */
  rowId: Id,
  epoch: Type.Integer(),
  begunAt: Type.Number(),
  renewedAt: Type.Number()
})
export type SessionRecord = Static<typeof SessionRecord>

/** Compiled, because it runs on every request with a session. */
const record = Compile(SessionRecord)

/** Longer texts are not sessions. */
export const MAX_SESSION_BYTES = 512

export interface SessionLifetime {
  /** How long an unused session lives, in ms. */
  readonly ttlMs: number
  /** How long any session lives at most, in ms. */
  readonly maxAgeMs: number
}

/**
 * The stored form of sessions. Each record is signed together with its id, so that somebody with write access to the
 * store can neither forge a session nor turn their own into that of another user.
 */
export class SessionRecords {
  readonly #signer: Signer
  readonly #lifetime: SessionLifetime

  constructor(secrets: readonly string[], lifetime: SessionLifetime) {
    this.#signer = new Signer(secrets, 'session record')
    this.#lifetime = lifetime
  }

  /**
   * The session stored under `id`; null if it has expired, or the text is not a session (written by another program or
   * another version).
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

  /** The text to store under `id`; null for a session that nobody has signed in with. */
  format(id: string, { userId, rowId, epoch, begunAt, renewedAt }: Partial<SessionRecord>): string | null {
    const fields = { userId, rowId, epoch, begunAt, renewedAt }
    if (!record.Check(fields)) return null
    const json = JSON.stringify(fields)
    return `${this.#signer.sign(`${id} ${json}`)} ${json}`
  }
}
