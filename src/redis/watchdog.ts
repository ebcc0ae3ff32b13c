import { Cluster, ReplyError } from 'ioredis'
import type { RedisClient } from './connect.ts'

/**
 * Each client is checked at this interval, and reconnected at the fourth check in a row without a sign of life: after 2.1 to
 * 2.8 s, which is more than `connectTimeout` and less than 3 s. Checks are counted and not milliseconds, because a process that
 * was paused, or too busy to run its timers, must not take all its connections for dead.
 */
const CHECK_MS = 700
const CHECKS = 4
/** How soon a client that has ended connects again. */
const RECONNECT_MS = 100

/** Events that show an attempt. `error` is one: while no sentinel answers the state stays `connecting`, with an error for each round. */
const SIGNS_OF_LIFE = ['connecting', 'connect', 'ready', 'close', 'reconnecting', 'end', 'error'] as const

/** A client emits this, with an `Error` that says why, when it has to be reconnected: once an outage. */
export const REVIVED = 'revived'

const watchdogs = new WeakMap<RedisClient, Watchdog>()

/**
 * Sees to it that a client is never without a connection or an attempt at one for longer than 3 s, until `closeRedis`. ioredis
 * promises to reconnect, but there are ways out of that: `end` is final, whoever caused it (a failover that is noticed while a
 * sentinel is asked ends a client as `disconnect()` and `quit()` do); `reconnecting` and `disconnecting` can lose their timer;
 * and a connection that died in silence is `ready` for as long as nothing is asked on it.
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

/** What is asked on a client to see whether its connection lives, instead of PING. */
export function heartbeat(client: RedisClient, ask: () => Promise<unknown>): void {
  watchdogs.get(client)?.askBy(ask)
}

class Watchdog {
  readonly #client: RedisClient
  readonly #checking: NodeJS.Timeout
  #ask: () => Promise<unknown>
  #reconnecting: NodeJS.Timeout | undefined
  #quietChecks = 0
  #told = false
  #stopped = false

  constructor(client: RedisClient) {
    this.#client = client
    this.#ask = () => ping(client)
    for (const event of SIGNS_OF_LIFE) client.on(event, () => this.#alive())
    client.on('ready', () => {
      this.#told = false
    })
    client.on('end', () => this.#ended())
    this.#checking = setInterval(() => this.#check(), CHECK_MS).unref()
  }

  askBy(ask: () => Promise<unknown>): void {
    this.#ask = ask
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
    this.#tell('it had ended')
    clearTimeout(this.#reconnecting)
    this.#reconnecting = setTimeout(() => this.#connect(), RECONNECT_MS).unref()
  }

  #check(): void {
    if (++this.#quietChecks < CHECKS) {
      this.#askForSign()
      return
    }
    this.#quietChecks = 0
    const { status } = this.#client
    this.#tell(`nothing came of "${status}"`)
    // An attempt ends, a connection closes, and either leads to the next attempt; where there is none, this is one.
    if (status === 'connecting' || status === 'connect' || status === 'ready') this.#client.disconnect(true)
    else this.#connect()
  }

  #askForSign(): void {
    const { status } = this.#client
    // A Redis that loads its data is connected and not ready; INFO is what it answers.
    const loading = status === 'connect' && !(this.#client instanceof Cluster)
    if (status !== 'ready' && !loading) return
    answered(loading ? this.#client.info('server') : this.#ask()).then(
      () => this.#alive(),
      () => {}
    )
  }

  #connect(): void {
    // It rejects where an attempt is under way, and where this one fails, which the client says by its events.
    this.#client.connect().catch(() => {})
  }

  #tell(what: string): void {
    if (!this.#told) this.#client.emit(REVIVED, new Error(`the client of Redis did not reconnect by itself: ${what}`))
    this.#told = true
  }
}

/** Asks the server, or the masters of a cluster: whichever of these does not answer has its connection closed by ioredis. */
async function ping(client: RedisClient): Promise<unknown> {
  if (!(client instanceof Cluster)) return client.ping()
  return Promise.any(client.nodes('master').map((node) => answered(node.ping())))
}

/**
 * Rejects where there was nothing to ask. An error of the server is an answer. One that is late says nothing: this machine may
 * be busy, and connecting again would make it busier; a connection on which nothing arrives is closed by `socketTimeout`.
 */
async function answered(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    const late = error instanceof Error && error.message === 'Command timed out'
    if (!late && !(error instanceof ReplyError)) throw error
  }
}
