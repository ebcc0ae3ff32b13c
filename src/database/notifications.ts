import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '#logging/log.ts'
import { connectionOptions, UTC } from './pool.ts'

const RECONNECT_MS = 1000
/** How often the connection is checked, and how long it may take to answer. */
const HEARTBEAT_MS = 10_000
const HEARTBEAT_TIMEOUT_MS = 5000
/** How often listeners are called while there are no notifications, in ms. */
const POLL_MS = 1000
/** How often two connections are compared, to find out whether a pooler shares server connections between them. */
const COMPARISONS = 3

/** Called with the payload of a notification, or with null when some may have been missed. */
export type Notified = (payload: string | null) => void

export interface NotificationOptions {
  /** Where LISTEN works: PostgreSQL itself, or a pooler that gives each client its own server connection. */
  readonly url: string
  readonly log: Log
}

/**
 * Notifications of transactions (`LISTEN` and `NOTIFY`), on one connection for all channels. While that is lost, or if
 * the URL leads through a pooler in transaction mode, where `LISTEN` cannot work, listeners are called every second, so
 * that they can poll.
 */
export class Notifications {
  readonly #options: NotificationOptions
  readonly #listeners = new Map<string, Set<Notified>>()
  readonly #end = new AbortController()
  #client: pg.Client | null = null
  /** Statements on the connection take turns. */
  #turn: Promise<unknown> = Promise.resolve()
  #running: Promise<void> | null = null
  #poll: NodeJS.Timeout | null = null

  constructor(options: NotificationOptions) {
    this.#options = options
  }

  /** Calls `notified` until the returned function is called. `channel` must be a constant, not user input. */
  listen(channel: string, notified: Notified): () => Promise<void> {
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners.add(notified))
    // Repeating LISTEN is harmless, and happens after a reconnect, too.
    if (this.#client !== null) this.#subscribe(this.#client, [channel]).catch(() => {})
    this.#running ??= this.#run()
    return async () => {
      listeners.delete(notified)
    }
  }

  async close(): Promise<void> {
    this.#end.abort()
    this.#stopPolling()
    await this.#client?.end().catch(() => {})
    await this.#running
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    let listened = false
    this.#startPolling()
    while (!this.#end.signal.aborted) {
      try {
        if (!listened && (await this.#isShared())) {
          log.warn(
            {},
            'LISTEN does not work at this DATABASE_URL, a pooler in transaction mode: polling for writes from outside the service; set DATABASE_DIRECT_URL to be notified at once'
          )
          return
        }
        await this.#connected(() => {
          listened = true
        })
        if (!this.#end.signal.aborted) log.warn({}, 'connection for notifications lost: polling until it is back')
      } catch (err) {
        log.debug({ err }, 'no connection for notifications: retrying')
      }
      this.#startPolling()
      await sleep(RECONNECT_MS, undefined, { signal: this.#end.signal }).catch(() => {})
    }
  }

  /** Resolves when a connection that was listening is lost; rejects if it never got that far. */
  async #connected(listening: () => void): Promise<void> {
    const client = await this.#open()
    let heartbeat: NodeJS.Timeout | undefined
    try {
      client.on('notification', ({ channel, payload }) => this.#notify(channel, payload ?? null))
      await this.#ask(client, UTC)
      await this.#ask(client, NO_IDLE_TIMEOUT)
      const ended = new Promise<void>((resolve) => client.once('end', resolve))
      this.#client = client
      await this.#subscribe(client, [...this.#listeners.keys()])
      listening()
      this.#stopPolling()
      heartbeat = setInterval(() => void this.#beat(client), HEARTBEAT_MS)
      await ended
    } finally {
      clearInterval(heartbeat)
      this.#client = null
      await client.end().catch(() => {})
    }
  }

  async #subscribe(client: pg.Client, channels: readonly string[]): Promise<void> {
    for (const channel of channels) await this.#ask(client, `listen ${pg.escapeIdentifier(channel)}`)
    for (const channel of channels) this.#notify(channel, null)
  }

  /** Ends a connection that does not answer, or that leads to a standby, which sends no notifications. */
  async #beat(client: pg.Client): Promise<void> {
    const late = sleep(HEARTBEAT_TIMEOUT_MS, 'late' as const, { ref: false })
    const answer = this.#ask<{ standby: boolean }>(client, 'select pg_is_in_recovery() as standby').then(
      ([row]) => (row?.standby === false ? 'well' : 'standby'),
      () => 'lost'
    )
    if ((await Promise.race([answer, late])) !== 'well') await client.end().catch(() => {})
  }

  /**
   * True if a pooler assigns server connections per transaction: then two clients get the same one, or one client gets
   * several. Unlike trying `LISTEN`, this leaves nothing behind on a server connection.
   */
  async #isShared(): Promise<boolean> {
    const one = await this.#open()
    const other = await this.#open().catch((error) => one.end().then(() => Promise.reject(error)))
    try {
      const [first, second] = [await backend(one), await backend(other)]
      let shared = first === second
      for (let i = 1; i < COMPARISONS && !shared; i++) {
        shared = (await backend(other)) !== second || (await backend(one)) !== first
      }
      return shared
    } finally {
      await Promise.allSettled([one.end(), other.end()])
    }
  }

  async #open(): Promise<pg.Client> {
    const client = new pg.Client(connectionOptions(this.#options.url))
    // An error is followed by `end`, which is handled.
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async #ask<Row extends object>(client: pg.Client, statement: string): Promise<Row[]> {
    const answer = this.#turn.then(() => client.query<Row>(statement))
    this.#turn = answer.catch(() => {})
    return (await answer).rows
  }

  #notify(channel: string, payload: string | null): void {
    for (const notified of this.#listeners.get(channel) ?? []) notified(payload)
  }

  #startPolling(): void {
    if (this.#end.signal.aborted) return
    this.#poll ??= setInterval(() => {
      for (const channel of this.#listeners.keys()) this.#notify(channel, null)
    }, POLL_MS)
  }

  #stopPolling(): void {
    if (this.#poll !== null) clearInterval(this.#poll)
    this.#poll = null
  }
}

/** The connection is idle on purpose. The setting exists since PostgreSQL 14. */
const NO_IDLE_TIMEOUT = `select set_config(name, '0', false) from pg_settings where name = 'idle_session_timeout'`

async function backend(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}
