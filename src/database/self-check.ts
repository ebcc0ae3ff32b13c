import { randomInt } from 'node:crypto'
import type { Database } from './database.ts'
import { DatabaseUnusableError } from './unusable.ts'

const INSTANT = new Date('2020-02-02T20:20:20.000Z')
const MAX_ID = 2_000_000_000

/**
 * Writes a user through the client, in a transaction that is rolled back, and checks that the service is told which
 * tags that touched, and that the database stores the right timestamp. Throws `DatabaseUnusableError` if not: the
 * service would serve stale data without knowing it.
 */
export async function requireCoherence(database: Database): Promise<void> {
  // Negative, so that no sequence ever assigns it.
  const id = -randomInt(1, MAX_ID)
  let stored: Date | undefined
  const touched = await database.tagsTouchedBy(() =>
    database
      .write(async (tx) => {
        const data = { id, email: `self-check-${-id}@aikademiya.local`, passwordHash: '', name: '', createdAt: INSTANT }
        await tx.user.create({ data })
        const [row] = await tx.$queryRaw<{ ms: number }[]>`
          select (extract(epoch from created_at) * 1000)::float8 as ms from app_user where id = ${id}`
        stored = new Date(row?.ms ?? Number.NaN)
        throw new RolledBack()
      })
      .catch((error) => {
        if (!(error instanceof RolledBack)) throw error
      })
  )
  if (!touched.has(`user:${id}`)) {
    throw new DatabaseUnusableError(
      'the service is not notified of its own writes, so cached answers would be stale: the triggers are disabled ' +
        '(session_replication_role), or a pooler drops notices or changes statements; see docs/operations.md, or point DATABASE_URL directly at PostgreSQL'
    )
  }
  if (stored?.getTime() !== INSTANT.getTime()) {
    throw new DatabaseUnusableError(
      `timestamps are stored incorrectly (${INSTANT.toISOString()} as ${stored?.toISOString()}): a pooler loses the time zone of the session; make it ` +
        "track the client's TimeZone, or set that of the role: alter role ... set timezone = 'UTC'"
    )
  }
}

class RolledBack extends Error {}
