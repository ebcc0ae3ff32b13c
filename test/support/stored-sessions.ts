import type { Config } from '#config/config.ts'
import { type SessionRecord, SessionRecords } from '#sessions/session-record.ts'

/** The stored content of a session, without checking its signature. */
export function fieldsOf(stored: string | null): Record<string, unknown> {
  return JSON.parse(stored?.slice(stored.indexOf(' ') + 1) ?? '')
}

/**
 * A session with these changes, as the service would store it under its key; null if the service would not store it.
 */
export function signedAgain(
  { session }: Pick<Config, 'session'>,
  key: string,
  stored: string,
  changes: Partial<SessionRecord>
): string | null {
  const id = key.slice(key.lastIndexOf(':') + 1)
  return new SessionRecords(session.secrets, session).format(id, { ...fieldsOf(stored), ...changes })
}
