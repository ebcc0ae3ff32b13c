import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../log.ts'
import { APPLICATION } from './commits.ts'
import { CHANNEL } from './outbox.ts'

const RECONNECT_MS = 1000

/**
 * Calls `notified` when a transaction announces invalidations (`LISTEN`), and after each reconnect, since one may
 * have been missed. The returned function ends it.
 */
export function listenForInvalidations(databaseUrl: string, notified: () => void, log: Log): () => Promise<void> {
  const end = new AbortController()
  let client: pg.Client
  let listening = false

  async function listen(): Promise<void> {
    client = new pg.Client({ connectionString: databaseUrl, application_name: APPLICATION, keepAlive: true })
    client.on('notification', notified)
    // An error is followed by the end, which is what counts.
    client.on('error', () => {})
    await client.connect()
    await client.query(`listen ${CHANNEL}`)
    listening = true
    notified()
    await once(client, 'end')
  }

  async function run(): Promise<void> {
    while (!end.signal.aborted) {
      await listen().catch((err) => log.debug({ err }, 'no connection for notifications: tried again'))
      if (listening && !end.signal.aborted)
        log.warn({}, 'connection for notifications lost: the sweeper polls meanwhile')
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
