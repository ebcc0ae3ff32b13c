import { Cluster } from 'ioredis'
import { mastersOf, type RedisClient } from '#redis/connect.ts'
import { OncePerTurn } from '#redis/once-per-turn.ts'
import { newStamp } from '../entry.ts'
import { isDataKey, lockKey, stampKey } from '../keys.ts'
import type { SharedStore, StoreLabel } from '../trust/store-binding.ts'
import { collapseStars } from './glob.ts'
import { pageOfRedis, weighOn } from './redis-browse.ts'
import { type KeyPage, NEW_STAMP_TTL_MS, STAMP_TTL_MS, type Step, type Store, type Stored } from './store.ts'

/** How many keys one SCAN step looks at, and one UNLINK removes: small enough not to hold Redis up. */
const SCAN_COUNT = 500
/** From so many on, stamps are renewed by one pipeline. */
const MANY_TAGS = 50
/** Stamps, and what labels a store, are shorter. Of what is longer no more than that is transferred. */
const MAX_STAMP_BYTES = 256

/**
 * A store in Redis 7 or later, shared by all processes. It sends single-key commands only, which the
 * client's auto-pipelining joins into one round trip, so that nothing depends on keys sharing a slot.
 */
export class RedisStore implements Store, SharedStore {
  readonly #redis: RedisClient
  readonly #prefix: string
  readonly #maxTextBytes: number
  readonly #stamps = new OncePerTurn<string | null>()

  /** No text longer than `maxTextBytes` is transferred: it counts as not there. */
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

  /** Through each master in turn: every key is on one of them. */
  async *matching(pattern: string): AsyncGenerator<Step> {
    const match = this.#match(pattern)
    const masters = mastersOf(this.#redis)
    const sizes = await Promise.all(masters.map((master) => master.dbsize()))
    const size = Math.max(
      1,
      sizes.reduce((sum, keys) => sum + keys, 0)
    )
    let looked = 0
    for (const [index, master] of masters.entries()) {
      let cursor = '0'
      do {
        const [next, found] = await master.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT)
        const keys = found.map((key) => key.slice(this.#prefix.length)).filter(isDataKey)
        cursor = next
        looked += SCAN_COUNT
        const last = cursor === '0' && index === masters.length - 1
        const weigh = (some: readonly string[]) =>
          weighOn(
            master,
            some.map((key) => this.#prefix + key)
          )
        yield { keys, part: last ? 1 : Math.min(0.99, looked / size), weigh }
      } while (cursor !== '0')
    }
  }

  page(pattern: string, cursor: string | null, limit: number): Promise<KeyPage> {
    return pageOfRedis(this.#redis, this.#prefix, this.#match(pattern), cursor, limit)
  }

  async weigh(key: string): Promise<number | null> {
    // One of them has it.
    const told = await Promise.all(mastersOf(this.#redis).map((master) => weighOn(master, [this.#prefix + key])))
    return told.flat().find((bytes) => bytes !== null) ?? null
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
        // NX GET answers the stamp that was there, or null when ours was taken.
        const current = await this.#redis
          .set(this.#prefix + stampKey(tag), stamp, 'PX', NEW_STAMP_TTL_MS, 'NX', 'GET')
          .catch(ifNoText(() => ''))
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
    // A third of the time that a promise for each takes; a cluster takes no pipeline over several of its nodes.
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

  // Whoever unlocks too late, after its lock has expired, frees somebody else's: that is one load more, no fault.
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

  /** From now on it may cache another database. */
  async removeLabel(): Promise<void> {
    await this.#redis.unlink(this.#prefix + LABEL_KEY)
  }

  async #stamp(tag: string): Promise<string | null> {
    const text = await this.#text(stampKey(tag), MAX_STAMP_BYTES)
    return text !== null && isStamp(text) ? text : null
  }

  /**
   * The text under a key, empty where there is none; null for what was put there by hand: something that is no text, or is too long. One
   * byte more is asked for than there may be, so that it shows when there is more.
   */
  async #text(key: string, maxBytes: number): Promise<string | null> {
    const bytes = await this.#redis.getrangeBuffer(this.#prefix + key, 0, maxBytes).catch(ifNoText(() => null))
    return bytes === null || bytes.length > maxBytes ? null : bytes.toString()
  }
}

/** False for what somebody has put in the place of a stamp. */
function isStamp(text: string): boolean {
  return text !== '' && text.length <= MAX_STAMP_BYTES
}

const DEFAULT_MAX_TEXT_BYTES = 512 * 1024 * 1024

/** No key of cached data: clearing by pattern never touches it. */
const LABEL_KEY = 'store'
/** Longer than any entry lives; it begins anew each time that a process looks. */
const LABEL_TTL_MS = 86_400_000

function parseLabel(text: string | null): StoreLabel | null {
  // A longer one was put there by hand.
  const [storeId, databaseId] = text !== null && text.length <= MAX_STAMP_BYTES ? text.split(' ') : []
  return storeId && databaseId ? { storeId, databaseId } : null
}

/** Answers in place of the error that a key of another type gives. */
function ifNoText<T>(answer: () => T): (error: unknown) => T {
  return (error) => {
    if (/WRONGTYPE/.test(String(error))) return answer()
    throw error
  }
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}
