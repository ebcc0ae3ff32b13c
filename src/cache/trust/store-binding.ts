import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '#logging/log.ts'

const BEAT_MS = 2000
/** Who is alive labels an emptied store before it says so: one that said so this long after a start did not find it there. */
const CERTAIN_AFTER_MS = 1000
/** For longer a start does not wait. */
const PATIENCE_MS = 10_000
const POLL_MS = 200
/** For so long a check holds: less than a process counts as alive that says nothing, which is when another may take over. */
const PROVEN_MS = 6000

/** A store, by the id that it was given, and the prefix of the keys in it. */
export interface CacheStoreUse {
  readonly storeId: string
  readonly keyPrefix: string
}

/** The store of living processes, and how long ago one of them said that it lives, in ms. */
export interface LiveUse extends CacheStoreUse {
  readonly seenMsAgo: number
}

/** Where a database keeps which store its processes use. */
export interface StoreRegistry {
  /** True where no other process can use the database. */
  readonly exclusive: boolean
  databaseId(): Promise<string>
  /** The store that a living process uses, or null. */
  used(): Promise<LiveUse | null>
  /**
   * Says that this process lives and uses the store; resolves to the other one that living processes use, or to null. `moving` is
   * called before, where another store was used last: what this one has may be older.
   */
  register(use: CacheStoreUse, moving: () => Promise<void>): Promise<LiveUse | null>
  /** The process ends, and nobody else uses its store. */
  release(storeId: string): Promise<void>
}

/** The cache of this process and the database do not belong together. The message is one line that says how to change over. */
export class StoreMismatchError extends Error {
  override readonly name = 'StoreMismatchError'
}

/** What a store says of itself: its id, and which database it caches. */
export interface StoreLabel {
  readonly storeId: string
  readonly databaseId: string
}

/** A store that other processes use, too. */
export interface SharedStore {
  label(): Promise<StoreLabel | null>
  /** Labels the store where it has no label; resolves to the one that it has then. */
  setLabel(label: StoreLabel): Promise<StoreLabel>
}

export interface StoreBindingOptions {
  /** Null: the store is in this process, and nobody else can use it. */
  readonly store: SharedStore | null
  readonly registry: StoreRegistry
  readonly keyPrefix: string
  /** Removes what the store has cached: since then the database was written beside another store. */
  readonly clear: () => Promise<void>
  /** Called when the store turned out not to belong to the database any more. */
  readonly doubted: (reason: Error) => void
  readonly log: Log
}

/**
 * One database, one store: an invalidation reaches a single store, and an entry says nothing about its database. So the
 * store keeps the id of the database, and the database that of the store; where they do not name each other, the store is
 * neither read nor told of writes, which are then left to the processes that use the right one.
 */
export class StoreBinding {
  readonly #options: StoreBindingOptions
  /** The id of the store once it is known; a store that was emptied gets it again. */
  #storeId: string | null = null
  #bound = false
  #timer: NodeJS.Timeout | null = null
  #told = ''
  /** When the last check began that found them to belong together; whether the database did not answer the last one. */
  #provenAt = Number.NEGATIVE_INFINITY
  #unanswered = false
  #beating = false

  constructor(options: StoreBindingOptions) {
    this.#options = options
  }

  /** True while store and database are known to belong together. */
  get bound(): boolean {
    return this.#bound
  }

  /**
   * False where that has not been looked at for so long that another store may have taken over: this process was stopped. It is
   * looked at at once. A database that does not answer has no say: nobody could take over there, or be told.
   */
  get recent(): boolean {
    if (this.#timer === null || performance.now() - this.#provenAt < PROVEN_MS) return true
    if (!this.#beating) void this.#beat()
    return this.#unanswered
  }

  /** The connection was lost: another server may answer next. */
  doubt(): void {
    this.#bound = false
  }

  /** Looks whether they belong together; rejects with `StoreMismatchError`, or where one of them does not answer. */
  async check(): Promise<void> {
    const begun = performance.now()
    try {
      this.#storeId = await this.#register()
      this.#bound = true
      this.#provenAt = begun
      this.#unanswered = false
    } catch (error) {
      this.#unanswered = true
      if (error instanceof StoreMismatchError) {
        this.#bound = false
        this.#tell(error)
      }
      throw error
    }
  }

  /**
   * Checks at the start, and then every two seconds. Rejects with `StoreMismatchError` where the process must not serve; a
   * store that does not answer is checked before it is trusted.
   */
  async start(): Promise<void> {
    const begun = performance.now()
    for (let told = false; ; told = true) {
      const error = await this.check().then(
        () => null,
        (error) => error
      )
      const waitedMs = performance.now() - begun
      const mayEnd = error instanceof AnotherStoreError && error.use.seenMsAgo > waitedMs - CERTAIN_AFTER_MS
      if (mayEnd && waitedMs < PATIENCE_MS) {
        if (!told)
          this.#options.log.info({}, 'another cache store is in use on this database: waiting whether it still is')
        await sleep(POLL_MS)
        continue
      }
      if (error instanceof StoreMismatchError) throw error
      break
    }
    // Nobody else can be on an embedded database without Redis: saying once that it was used so is enough.
    if (this.#options.store === null && this.#options.registry.exclusive) return
    this.#timer = setInterval(() => void this.#beat(), BEAT_MS).unref()
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    const { registry, store } = this.#options
    if (store === null && this.#storeId !== null) await registry.release(this.#storeId).catch(() => {})
  }

  async #beat(): Promise<void> {
    if (!this.#bound || this.#beating) return
    this.#beating = true
    const before = this.#storeId
    const changed = await this.check().then(
      () => (this.#storeId === before ? null : new Error('the cache store was replaced by another')),
      // One that does not answer is not another one.
      (error) => (error instanceof StoreMismatchError ? error : null)
    )
    this.#beating = false
    if (changed !== null) this.#options.doubted(changed)
  }

  /** One line for each mismatch, not one an attempt; a start that fails says it itself. */
  #tell(error: StoreMismatchError): void {
    if (this.#timer !== null && this.#told !== error.message) this.#options.log.error({}, error.message)
    this.#told = error.message
  }

  async #register(): Promise<string> {
    const { registry, keyPrefix } = this.#options
    const storeId = await this.#identify()
    const other = await registry.register({ storeId, keyPrefix }, this.#options.clear)
    if (other !== null) throw this.#anotherStore(other)
    return storeId
  }

  /** The id of the store, which is given one where it has none. */
  async #identify(): Promise<string> {
    const { store, registry, keyPrefix } = this.#options
    if (store === null) return this.#storeId ?? `process:${randomUUID()}`
    const databaseId = await registry.databaseId()
    let label = await store.label()
    if (label === null) {
      // Emptied, or another one: who has used it before labels it; anybody else waits while others are alive.
      const other = this.#storeId === null ? await registry.used() : null
      if (other !== null) throw this.#anotherStore(other)
      label = await store.setLabel({ storeId: this.#storeId ?? randomUUID(), databaseId })
    }
    if (label.databaseId === databaseId) return label.storeId
    throw new StoreMismatchError(
      `REDIS_URL: under the prefix "${keyPrefix}" this Redis caches another database. Set a REDIS_KEY_PREFIX of its own ` +
        'for each database; if the other one is gone, or was moved here, run npm run clear-cache -- --all first'
    )
  }

  #anotherStore(use: LiveUse): AnotherStoreError {
    const ours =
      this.#options.store === null
        ? 'REDIS_URL is not set here'
        : `here it is "${this.#options.keyPrefix}" in another or emptied Redis`
    return new AnotherStoreError(
      `REDIS_URL: living processes cache this database elsewhere (REDIS_KEY_PREFIX "${use.keyPrefix}"; ${ours}). All processes ` +
        'of one database share one Redis and one prefix: to change over, stop them all, then start them with the new values',
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
