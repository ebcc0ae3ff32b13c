import { Cluster, ReplyError } from 'ioredis'
import type { RedisClient } from './connect.ts'

/**
 * Each client is checked at this interval, and reconnected at the fourth check in a row without a sign of life: after
 * 2.1 to 2.8 s, which is more than `connectTimeout` and less than 3 s. It counts checks rather than milliseconds, so
 * that a process that was suspended, or too busy to run its timers, does not consider all its connections dead.
 */
const CHECK_MS = 700
const CHECKS = 4
/** How soon a client connects again after it has ended. */
const RECONNECT_MS = 100

/**
 * Events that show activity, such as `error`: while no sentinel answers, the status stays `connecting`, with an error
 * per round.
 */
const SIGNS_OF_LIFE = ['connecting', 'connect', 'ready', 'close', 'reconnecting', 'end', 'error'] as const

/** A client emits this event, with an `Error` that says why, when the watchdog has to reconnect it: once per outage. */
export const REVIVED = 'revived'

const watchdogs = new WeakMap<RedisClient, Watchdog>()

/**
 * Ensures that a client is never without a connection, or an attempt at one, for longer than 3 s, until `closeRedis` is
 * called. ioredis reconnects by itself, except in three cases:
 * - in the state `end`, which is final. `disconnect()` and `quit()` lead to it, but so does a failover that is
 *   noticed while a sentinel is queried;
 * - in `reconnecting` and `disconnecting`, if it has lost its timer;
 * - if a connection has died silently, which stays `ready` until a command is sent.
 */
export function keepConnected<Client extends RedisClient>(client: Client): Client {
  watchdogs.set(client, new Watchdog(client))
  return client
}

/** Closes a client of `keepConnected` for good. */
export function closeRedis(client: RedisClient): void {
  watchdogs.get(client)?.stop()
  client.disconnect()
}

/** Replaces PING as the command that checks whether the connection of a client is alive. */
export function heartbeat(client: RedisClient, send: () => Promise<unknown>): void {
  watchdogs.get(client)?.heartbeatWith(send)
}

class Watchdog {
  readonly #client: RedisClient
  readonly #checking: NodeJS.Timeout
  #sendHeartbeat: () => Promise<unknown>
  #reconnecting: NodeJS.Timeout | undefined
  #quietChecks = 0
  #reported = false
  #stopped = false

  constructor(client: RedisClient) {
    this.#client = client
    this.#sendHeartbeat = () => ping(client)
    for (const event of SIGNS_OF_LIFE) client.on(event, () => this.#alive())
    client.on('ready', () => {
      this.#reported = false
    })
    client.on('end', () => this.#ended())
    this.#checking = setInterval(() => this.#check(), CHECK_MS).unref()
  }

  heartbeatWith(send: () => Promise<unknown>): void {
    this.#sendHeartbeat = send
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#checking)
    clearTimeout(this.#reconnecting)
  }

  #alive(): void {
    this.#quietChecks = 0
  }

  #ended(): void {
    if (this.#stopped) return
    this.#report('the client had ended')
    clearTimeout(this.#reconnecting)
    this.#reconnecting = setTimeout(() => this.#connect(), RECONNECT_MS).unref()
  }

  #check(): void {
    if (++this.#quietChecks < CHECKS) {
      this.#checkConnection()
      return
    }
    this.#quietChecks = 0
    const { status } = this.#client
    this.#report(`its status stayed "${status}"`)
    // Ending an attempt or closing a connection leads to the next attempt; if there is neither, start one.
    if (status === 'connecting' || status === 'connect' || status === 'ready') this.#client.disconnect(true)
    else this.#connect()
  }

  #checkConnection(): void {
    const { status } = this.#client
    // A client of a Redis that is loading its data is connected, but not ready; such a Redis answers INFO.
    const loading = status === 'connect' && !(this.#client instanceof Cluster)
    if (status !== 'ready' && !loading) return
    requireAnswer(loading ? this.#client.info('server') : this.#sendHeartbeat()).then(
      () => this.#alive(),
      () => {}
    )
  }

  #connect(): void {
    // It rejects if an attempt is in progress, or if this one fails, which the client reports with events.
    this.#client.connect().catch(() => {})
  }

  #report(reason: string): void {
    if (!this.#reported)
      this.#client.emit(REVIVED, new Error(`the Redis client did not reconnect by itself: ${reason}`))
    this.#reported = true
  }
}

/** Pings the server, or all masters of a cluster; ioredis closes the connection to each that does not answer. */
async function ping(client: RedisClient): Promise<unknown> {
  if (!(client instanceof Cluster)) return client.ping()
  return Promise.any(client.nodes('master').map((node) => requireAnswer(node.ping())))
}

/**
 * Rejects if the command could not be sent. An error reply of the server counts as an answer. So does a command
 * timeout: this machine may just be busy, and reconnecting would make it busier. If nothing arrives on the connection,
 * `socketTimeout` closes it.
 */
async function requireAnswer(command: Promise<unknown>): Promise<void> {
  try {
    await command
  } catch (error) {
    const late = error instanceof Error && error.message === 'Command timed out'
    if (!late && !(error instanceof ReplyError)) throw error
  }
}
