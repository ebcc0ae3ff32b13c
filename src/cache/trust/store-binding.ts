import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '#logging/log.ts'

const HEARTBEAT_MS = 2000
/**
 * A living process labels an emptied store before its heartbeat. So a process whose heartbeat came this long after our
 * start does not use the store that we found unlabelled.
 */
const CERTAIN_AFTER_MS = 1000
/** The longest time that a start waits for other processes. */
const MAX_WAIT_MS = 10_000
const POLL_MS = 200
/**
 * How long a check stays valid: shorter than a silent process counts as alive, since after that another store may take
 * over.
 */
const CHECK_VALID_MS = 6000

/** A store, identified by its label, and the prefix of our keys in it. */
export interface CacheStoreUse {
  readonly storeId: string
  readonly keyPrefix: string
}

/** The store that living processes use, and the time since the last heartbeat of one of them, in ms. */
export interface LiveUse extends CacheStoreUse {
  readonly seenMsAgo: number
}

/** Records in the database which store its processes use. */
export interface StoreRegistry {
  /** True if no other process can use the database. */
  readonly exclusive: boolean
  databaseId(): Promise<string>
  /** The store that a living process uses, or null. */
  used(): Promise<LiveUse | null>
  /**
   * The heartbeat of a process that uses the store. Resolves to null, or, if living processes use another store, to
   * that store. If another store was the last one in use, it first calls `moving`, since the entries of this one may be
   * stale.
   */
  register(use: CacheStoreUse, moving: () => Promise<void>): Promise<LiveUse | null>
  /** Removes the record of the store, whose only process ends. */
  release(storeId: string): Promise<void>
}

/**
 * The cache store of this process and the database do not belong together. The message, one line, says how to switch.
 */
export class StoreMismatchError extends Error {
  override readonly name = 'StoreMismatchError'
}

/** The label in a store: its id, and the database that it caches. */
export interface StoreLabel {
  readonly storeId: string
  readonly databaseId: string
}

/** A store that several processes use. */
export interface SharedStore {
  label(): Promise<StoreLabel | null>
  /** Labels the store unless it has a label; resolves to the label that it then has. */
  setLabel(label: StoreLabel): Promise<StoreLabel>
}

export interface StoreBindingOptions {
  /** Null if the store is in the memory of this process. */
  readonly store: SharedStore | null
  readonly registry: StoreRegistry
  readonly keyPrefix: string
  /** Removes all cached data from the store: the database may have been written to while another store was in use. */
  readonly clear: () => Promise<void>
  /** Called when the store turns out not to belong to the database any more. */
  readonly doubted: (reason: Error) => void
  readonly log: Log
}

/**
 * One database, one store: an invalidation reaches a single store, and an entry does not say which database it comes
 * from. So the store records the id of the database, and the database that of the store. Unless these match, this
 * process neither reads the store nor sends it invalidations, which are left to the processes that use the right store.
 */
export class StoreBinding {
  readonly #options: StoreBindingOptions
  /** The id of the store once known; if the store is emptied, it is labelled with the same id again. */
  #storeId: string | null = null
  #bound = false
  #timer: NodeJS.Timeout | null = null
  #lastLogged = ''
  /** When the last successful check began, and whether the latest one failed. */
  #checkedAt = Number.NEGATIVE_INFINITY
  #checkFailed = false
  #checking = false

  constructor(options: StoreBindingOptions) {
    this.#options = options
  }

  /** True while store and database are known to belong together. */
  get bound(): boolean {
    return this.#bound
  }

  /**
   * False if the last check is so old that another store may have taken over, as after this process was suspended; a
   * check is then started. True while the database does not answer, because then no other store can take over either.
   */
  get recent(): boolean {
    if (this.#timer === null || performance.now() - this.#checkedAt < CHECK_VALID_MS) return true
    if (!this.#checking) void this.#checkAgain()
    return this.#checkFailed
  }

  /** The connection was lost: another server may answer next. */
  doubt(): void {
    this.#bound = false
  }

  /**
   * Checks that store and database belong together. Rejects with `StoreMismatchError`, or if one of them does not
   * answer.
   */
  async check(): Promise<void> {
    const begun = performance.now()
    try {
      this.#storeId = await this.#register()
      this.#bound = true
      this.#checkedAt = begun
      this.#checkFailed = false
    } catch (error) {
      this.#checkFailed = true
      if (error instanceof StoreMismatchError) {
        this.#bound = false
        this.#logOnce(error)
      }
      throw error
    }
  }

  /**
   * Checks at the start, and then every two seconds. Rejects with `StoreMismatchError` if the process must not serve.
   * If the store does not answer, this resolves: the store is checked again before it is trusted.
   */
  async start(): Promise<void> {
    const begun = performance.now()
    for (let logged = false; ; logged = true) {
      const error = await this.check().then(
        () => null,
        (error) => error
      )
      const waitedMs = performance.now() - begun
      const mayBeGone = error instanceof AnotherStoreError && error.use.seenMsAgo > waitedMs - CERTAIN_AFTER_MS
      if (mayBeGone && waitedMs < MAX_WAIT_MS) {
        if (!logged)
          this.#options.log.info(
            {},
            'this database was last used with another cache store: waiting to see whether it is still in use'
          )
        await sleep(POLL_MS)
        continue
      }
      if (error instanceof StoreMismatchError) throw error
      break
    }
    // No other process can use an embedded database without Redis, so registering once is enough.
    if (this.#options.store === null && this.#options.registry.exclusive) return
    this.#timer = setInterval(() => void this.#checkAgain(), HEARTBEAT_MS).unref()
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    const { registry, store } = this.#options
    if (store === null && this.#storeId !== null) await registry.release(this.#storeId).catch(() => {})
  }

  async #checkAgain(): Promise<void> {
    if (!this.#bound || this.#checking) return
    this.#checking = true
    const before = this.#storeId
    const changed = await this.check().then(
      () => (this.#storeId === before ? null : new Error('the cache store was replaced by another')),
      // A store that does not answer has not been replaced.
      (error) => (error instanceof StoreMismatchError ? error : null)
    )
    this.#checking = false
    if (changed !== null) this.#options.doubted(changed)
  }

  /** Logs each mismatch once, not on every attempt. Not during the start, which reports its own failure. */
  #logOnce(error: StoreMismatchError): void {
    if (this.#timer !== null && this.#lastLogged !== error.message) this.#options.log.error({}, error.message)
    this.#lastLogged = error.message
  }

  async #register(): Promise<string> {
    const { registry, keyPrefix } = this.#options
    const storeId = await this.#identify()
    const other = await registry.register({ storeId, keyPrefix }, this.#options.clear)
    if (other !== null) throw this.#anotherStore(other)
    return storeId
  }

  /** The id of the store, which gets a label if it has none. */
  async #identify(): Promise<string> {
    const { store, registry, keyPrefix } = this.#options
    if (store === null) return this.#storeId ?? `process:${randomUUID()}`
    const databaseId = await registry.databaseId()
    let label = await store.label()
    if (label === null) {
      // The store was emptied, or is a new one. A process that has used it before labels it again; any other must not
      // while other processes are alive.
      const other = this.#storeId === null ? await registry.used() : null
      if (other !== null) throw this.#anotherStore(other)
      label = await store.setLabel({ storeId: this.#storeId ?? randomUUID(), databaseId })
    }
    if (label.databaseId === databaseId) return label.storeId
    throw new StoreMismatchError(
      `REDIS_URL: under the prefix "${keyPrefix}" this Redis caches another database. Give each database its own ` +
        'REDIS_KEY_PREFIX; if the other database is gone, or was moved here, run npm run clear-cache -- --all first'
    )
  }

  #anotherStore(use: LiveUse): AnotherStoreError {
    const ours =
      this.#options.store === null
        ? 'REDIS_URL is not set here'
        : `here it is "${this.#options.keyPrefix}" in another or emptied Redis`
    return new AnotherStoreError(
      `REDIS_URL: running processes cache this database elsewhere (REDIS_KEY_PREFIX "${use.keyPrefix}"; ${ours}). All processes ` +
        'of one database must share one Redis and one prefix: to switch, stop them all, then start them with the new values',
      use
    )
  }
}

class AnotherStoreError extends StoreMismatchError {
  readonly use: LiveUse

  constructor(message: string, use: LiveUse) {
    super(message)
    this.use = use
  }
}
