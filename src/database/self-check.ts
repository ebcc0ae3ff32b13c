import { randomInt } from 'node:crypto'
import type { Database } from './database.ts'
import { DatabaseUnusableError } from './unusable.ts'

const INSTANT = new Date('2020-02-02T20:20:20.000Z')
const MAX_ID = 2_000_000_000

/**
 * Writes a user through the client, in a transaction that is rolled back, and looks whether the service hears what that
 * touched, and whether the database has stored the instant that was meant. Throws `DatabaseUnusableError` where it does not:
 * the service would answer with what is stale, and not know it.
 */
export async function requireCoherence(database: Database): Promise<void> {
  // No id that a sequence gives.
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
      'the service does not hear of its own writes, so cached answers would be stale: their triggers are disabled ' +
        '(session_replication_role), or a pooler drops notices or changes statements: see docs/operations.md, or set DATABASE_URL to PostgreSQL itself'
    )
  }
  if (stored?.getTime() !== INSTANT.getTime()) {
    throw new DatabaseUnusableError(
      `instants are stored wrong (${INSTANT.toISOString()} as ${stored?.toISOString()}): a pooler does not keep a session's time zone; let it ` +
        "follow the client's TimeZone, or set the role's: alter role ... set timezone = 'UTC'"
    )
  }
}

class RolledBack extends Error {}
