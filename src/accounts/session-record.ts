import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { Id } from '../ids.ts'

/** What must be right in a stored session: who it is of, and what the library makes dates of. */
const SessionRecord = Type.Object({
  cookie: Type.Object({ expires: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
  userId: Id,
  epoch: Type.Integer(),
  begunAt: Type.Optional(Type.Number()),
  renewedAt: Type.Number()
})

/** The session in a stored text; null for what is none, left by another program or another version: nobody is signed in by it. */
export function parseSession(text: string) {
  try {
    const session = JSON.parse(text)
    return isSession(session) ? session : null
  } catch {
    return null
  }
}

function isSession(value: unknown): boolean {
  if (!Check(SessionRecord, value)) return false
  const { expires } = value.cookie
  return expires == null || !Number.isNaN(Date.parse(expires))
}
