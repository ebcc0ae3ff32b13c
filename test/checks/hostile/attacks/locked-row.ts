import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Attack, Target } from '../attack.ts'

const WRITERS = 30
const SECONDS = 10
/** The sum of two lock timeouts and the wait in the queue (src/database/timeouts.ts, shares.ts). */
const LONGEST_MS = 8000

/** One row is locked in psql while many requests try to write it. */
export const attack: Attack = {
  name: `one row locked by psql, and ${WRITERS} requests that change it`,
  seconds: SECONDS + 20,
  async run({ url, databaseUrl, admin }: Target) {
    const signedIn = await fetch(`${url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(admin)
    })
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const psql = new pg.Client({ connectionString: databaseUrl })
    await psql.connect()
    try {
      await psql.query('begin')
      await psql.query('select 1 from app_user where email = $1 for update', [admin.email])
      let slowest = 0
      const statuses = new Set<number>()
      const write = async () => {
        const start = performance.now()
        const answer = await fetch(`${url}/api/v1/users/me`, {
          method: 'PATCH',
          headers: { 'content-type': 'application/json', cookie },
          body: JSON.stringify({ bio: 'locked' })
        })
        await answer.arrayBuffer()
        statuses.add(answer.status)
        slowest = Math.max(slowest, performance.now() - start)
      }
      const writes = Promise.all(Array.from({ length: WRITERS }, write))
      await Promise.race([writes, sleep(SECONDS * 1000)])
      await psql.query('rollback')
      await writes
      if (slowest > LONGEST_MS) throw new Error(`a write waited ${Math.round(slowest)} ms`)
      return `answered with ${[...statuses].join(', ')}, after ${Math.round(slowest)} ms at most`
    } finally {
      await psql.end()
    }
  }
}
