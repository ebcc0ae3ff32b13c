import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../log.ts'
import { APPLICATION } from './commits.ts'

const RECONNECT_MS = 1000

/** Told what a transaction announced on a channel; null: one may have been missed. */
export type Notified = (payload: string | null) => void

/**
 * Calls `notified` when a transaction announces something on `channel` (`LISTEN`), and after each reconnect, since it may
 * have been missed. The returned function ends it.
 */
export function listenTo(channel: string, databaseUrl: string, notified: Notified, log: Log): () => Promise<void> {
  const end = new AbortController()
  let client: pg.Client
  let listening = false

  async function listen(): Promise<void> {
    client = new pg.Client({ connectionString: databaseUrl, application_name: APPLICATION, keepAlive: true })
    client.on('notification', ({ payload }) => notified(payload ?? null))
    // An error is followed by the end, which is what counts.
    client.on('error', () => {})
    await client.connect()
    await client.query(`listen ${channel}`)
    listening = true
    notified(null)
    await once(client, 'end')
  }

  async function run(): Promise<void> {
    while (!end.signal.aborted) {
      await listen().catch((err) => log.debug({ err }, 'no connection for notifications: tried again'))
      if (listening && !end.signal.aborted)
        log.warn({ channel }, 'connection for notifications lost: who waits for them polls meanwhile')
      listening = false
      await sleep(RECONNECT_MS, undefined, { signal: end.signal }).catch(() => {})
    }
  }

  const running = run()
  return async () => {
    end.abort()
    await client.end().catch(() => {})
    await running
  }
}
