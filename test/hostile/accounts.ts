import { randomUUID } from 'node:crypto'
import { hash } from '@node-rs/argon2'
import pg from 'pg'
import { type Actor, signIn } from '../support/actors.ts'
import type { Target } from './attack.ts'

/** An account that was made earlier, whatever limits there are for new ones, signed in. */
export async function oldAccount({ url, databaseUrl }: Target): Promise<Actor> {
  const email = `${randomUUID()}@example.org`
  const password = randomUUID()
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    const values = [email, await hash(password)]
    await client.query('insert into app_user (email, name, password_hash) values ($1, $1, $2)', values)
  } finally {
    await client.end()
  }
  return signIn(url, email, password)
}

/** How often each status was answered, as `202: 50, 429: 31`. */
export function tally(statuses: readonly number[]): string {
  const counts = new Map<number, number>()
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')
}
