import { randomUUID } from 'node:crypto'
import { hash } from '@node-rs/argon2'
import pg from 'pg'
import { Actor } from '../../support/actors.ts'
import type { Target } from './attack.ts'

/** A client behind a TLS-terminating proxy, as in production; the proxy forwards its address. */
export class RemoteActor extends Actor {
  readonly #address: string

  constructor(url: string, address: string) {
    super(url)
    this.#address = address
  }

  override request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const byProxy = { 'x-forwarded-for': this.#address, 'x-forwarded-proto': 'https' }
    return super.request(method, path, body, { ...headers, ...byProxy })
  }

  /** Registers or signs in, and keeps the cookie; resolves to the status. */
  async enter(path: 'register' | 'login', body: object): Promise<number> {
    const answer = await this.request('POST', `/api/v1/auth/${path}`, body)
    await answer.arrayBuffer()
    this.cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    return answer.status
  }
}

/** Signs in to an account that was created before the attack, free of the limits on new accounts. */
export async function oldAccount({ url, databaseUrl }: Target, address: string): Promise<RemoteActor> {
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
  const actor = new RemoteActor(url, address)
  const status = await actor.enter('login', { email, password })
  if (status !== 200 || actor.cookie === '') throw new Error(`login: ${status}`)
  return actor
}

/** How often each status was answered, such as `202: 50, 429: 31`. */
export function tally(statuses: readonly number[]): string {
  const counts = new Map<number, number>()
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')
}
