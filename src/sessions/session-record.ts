import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { Id } from '#http/ids.ts'

/** What is kept of a session: nothing of its cookie, which is as the configuration says. */
const SessionRecord = Type.Object({
  userId: Id,
  epoch: Type.Integer(),
  begunAt: Type.Number(),
  renewedAt: Type.Number()
})
export type SessionRecord = Static<typeof SessionRecord>

/** Compiled: it is asked at every request of whoever is signed in. */
const record = Compile(SessionRecord)

/** The session in a stored text; null for what is none, left by another program or another version: nobody is signed in by it. */
export function parseSession(text: string): SessionRecord | null {
  try {
    const value: unknown = JSON.parse(text)
    if (!record.Check(value)) return null
    const { userId, epoch, begunAt, renewedAt } = value
    return { userId, epoch, begunAt, renewedAt }
  } catch {
    return null
  }
}

/** The text to store; null for a session that nobody has signed in to. */
export function formatSession({ userId, epoch, begunAt, renewedAt }: Partial<SessionRecord>): string | null {
  const fields = { userId, epoch, begunAt, renewedAt }
  return record.Check(fields) ? JSON.stringify(fields) : null
}

/** The name of the cookie that carries a session. */
export const SESSION_COOKIE = 'sid'

/** As parsers of cookies do, this lets white space stand around the name. */
const CARRIES_SESSION = new RegExp(`\\b${SESSION_COOKIE}\\s*=`)

/** True for a `Cookie` header that may carry a session. */
export function mayCarrySession(cookies: string | undefined): boolean {
  return cookies !== undefined && CARRIES_SESSION.test(cookies)
}
