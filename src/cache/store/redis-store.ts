import { Cluster } from 'ioredis'
import { mastersOf, type RedisClient } from '#redis/connect.ts'
import { OncePerTurn } from '#redis/once-per-turn.ts'
import { newStamp } from '../entry.ts'
import { isDataKey, lockKey, stampKey } from '../keys.ts'
import type { SharedStore, StoreLabel } from '../trust/store-binding.ts'
import { collapseStars } from './glob.ts'
import { memoryUsageOn, pageOfRedis } from './redis-browse.ts'
import { type KeyPage, NEW_STAMP_TTL_MS, STAMP_TTL_MS, type Step, type Store, type Stored } from './store.ts'

/** How many keys one SCAN step examines: few enough not to block Redis. */
const SCAN_COUNT = 500
/** From this number of tags on, stamps are renewed in one explicit pipeline. */
const MANY_TAGS = 50
/** Stamps and store labels are shorter, and no more than this is ever transferred of one. */
const MAX_STAMP_BYTES = 256

/**
 * A store in Redis 7 or later, shared by all processes. It sends single-key commands only, so that keys need not share
 * a cluster slot; the client's auto-pipelining combines them into one round trip.
 */
export class RedisStore implements Store, SharedStore {
  readonly #redis: RedisClient
  readonly #prefix: string
  readonly #maxTextBytes: number
  readonly #stamps = new OncePerTurn<string | null>()

  /** A text longer than `maxTextBytes` is not transferred, and counts as missing. */
  constructor(redis: RedisClient, keyPrefix: string, maxTextBytes = DEFAULT_MAX_TEXT_BYTES) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:`
    this.#maxTextBytes = maxTextBytes
  }

  async get(key: string): Promise<Stored | null> {
    const [text, ttlMs] = await Promise.all([this.#text(key, this.#maxTextBytes), this.#redis.pttl(this.#prefix + key)])
    return text === null || (text === '' && ttlMs < 0) ? null : { text, ttlMs }
  }

  async set(key: string, text: string, ttlMs: number): Promise<void> {
    await this.#redis.set(this.#prefix + key, text, 'PX', ttlMs)
  }

  async delete(keys: readonly string[]): Promise<number> {
    const removed = await Promise.all(keys.map((key) => this.#redis.unlink(this.#prefix + key)))
    return removed.reduce((sum, count) => sum + count, 0)
  }

  /** Scans one master after another. */
  async *matching(pattern: string): AsyncGenerator<Step> {
    const match = this.#match(pattern)
    const masters = mastersOf(this.#redis)
    const sizes = await Promise.all(masters.map((master) => master.dbsize()))
    const size = Math.max(
      1,
      sizes.reduce((sum, keys) => sum + keys, 0)
    )
    let scanned = 0
    for (const [index, master] of masters.entries()) {
      let cursor = '0'
      do {
        const [next, found] = await master.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT)
        const keys = found.map((key) => key.slice(this.#prefix.length)).filter(isDataKey)
        cursor = next
        scanned += SCAN_COUNT
        const last = cursor === '0' && index === masters.length - 1
        const memoryUsage = (some: readonly string[]) =>
          memoryUsageOn(
            master,
            some.map((key) => this.#prefix + key)
          )
        yield { keys, fraction: last ? 1 : Math.min(0.99, scanned / size), memoryUsage }
      } while (cursor !== '0')
    }
  }

  page(pattern: string, cursor: string | null, limit: number): Promise<KeyPage> {
    return pageOfRedis(this.#redis, this.#prefix, this.#match(pattern), cursor, limit)
  }

  async memoryUsage(key: string): Promise<number | null> {
    const masters = mastersOf(this.#redis)
    const answers = await Promise.all(masters.map((master) => memoryUsageOn(master, [this.#prefix + key])))
    return answers.flat().find((bytes) => bytes !== null) ?? null
  }

  #match(pattern: string): string {
    return escapeGlob(this.#prefix) + collapseStars(pattern)
  }

  stamps(tags: readonly string[]): Promise<(string | null)[]> {
    return Promise.all(tags.map((tag) => this.#stamps.ask(tag, () => this.#stamp(tag))))
  }

  ensureStamps(tags: readonly string[]): Promise<string[]> {
    return Promise.all(
      tags.map(async (tag) => {
        const stamp = newStamp()
        // With NX GET, Redis returns the existing stamp, or null if it stored ours.
        const current = await this.#redis
          .set(this.#prefix + stampKey(tag), stamp, 'PX', NEW_STAMP_TTL_MS, 'NX', 'GET')
          .catch(onWrongType(() => ''))
        if (current === null || isStamp(current)) return current ?? stamp
        await this.set(stampKey(tag), stamp, STAMP_TTL_MS)
        return stamp
      })
    )
  }

  async prolongStamps(tags: readonly string[]): Promise<void> {
    await Promise.all(tags.map((tag) => this.#redis.pexpire(this.#prefix + stampKey(tag), STAMP_TTL_MS, 'GT')))
  }

  async renewStamps(tags: readonly string[]): Promise<void> {
    if (tags.length < MANY_TAGS || this.#redis instanceof Cluster) {
      await Promise.all(tags.map((tag) => this.set(stampKey(tag), newStamp(), STAMP_TTL_MS)))
      return
    }
    // A pipeline takes a third of the time of one promise per tag, but cannot span several nodes of a cluster.
    const pipeline = this.#redis.pipeline()
    for (const tag of tags) pipeline.set(this.#prefix + stampKey(tag), newStamp(), 'PX', STAMP_TTL_MS)
    const answers = await pipeline.exec()
    const failure =
      answers === null ? new Error('the pipeline was not run') : answers.find(([error]) => error !== null)?.[0]
    if (failure) throw failure
  }

  async lock(name: string, ttlMs: number): Promise<boolean> {
    return (await this.#redis.set(this.#prefix + lockKey(name), '', 'PX', ttlMs, 'NX')) === 'OK'
  }

  // A process that unlocks after its lock has expired may release the lock of another: this costs one extra load,
  // nothing else.
  async unlock(name: string): Promise<void> {
    await this.#redis.unlink(this.#prefix + lockKey(name))
  }

  async label(): Promise<StoreLabel | null> {
    return parseLabel(await this.#redis.getex(this.#prefix + LABEL_KEY, 'PX', LABEL_TTL_MS))
  }

  async setLabel(label: StoreLabel): Promise<StoreLabel> {
    const text = `${label.storeId} ${label.databaseId}`
    return parseLabel(await this.#redis.set(this.#prefix + LABEL_KEY, text, 'PX', LABEL_TTL_MS, 'NX', 'GET')) ?? label
  }

  /** After this, the store may be used with another database. */
  async removeLabel(): Promise<void> {
    await this.#redis.unlink(this.#prefix + LABEL_KEY)
  }

  async #stamp(tag: string): Promise<string | null> {
    const text = await this.#text(stampKey(tag), MAX_STAMP_BYTES)
    return text !== null && isStamp(text) ? text : null
  }

  /**
   * The text under a key; empty if there is none, and null if the value is not a string or is too long, so none of
   * ours. It asks for one byte more than allowed, to detect a text that is too long.
   */
  async #text(key: string, maxBytes: number): Promise<string | null> {
    const bytes = await this.#redis.getrangeBuffer(this.#prefix + key, 0, maxBytes).catch(onWrongType(() => null))
    return bytes === null || bytes.length > maxBytes ? null : bytes.toString()
  }
}

/** False for a value that cannot be one of our stamps. */
function isStamp(text: string): boolean {
  return text !== '' && text.length <= MAX_STAMP_BYTES
}

const DEFAULT_MAX_TEXT_BYTES = 512 * 1024 * 1024

/** It has none of the data prefixes, so clearing by pattern never touches it. */
const LABEL_KEY = 'store'
/** Longer than any entry lives; every read of the label starts it again. */
const LABEL_TTL_MS = 86_400_000

function parseLabel(text: string | null): StoreLabel | null {
  // A longer text is not one of our labels.
  const [storeId, databaseId] = text !== null && text.length <= MAX_STAMP_BYTES ? text.split(' ') : []
  return storeId && databaseId ? { storeId, databaseId } : null
}

/** Replaces the error that Redis gives for a key of another type. */
function onWrongType<T>(answer: () => T): (error: unknown) => T {
  return (error) => {
    if (/WRONGTYPE/.test(String(error))) return answer()
    throw error
  }
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}
