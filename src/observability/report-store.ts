import { Check } from 'typebox/schema'
import type { RedisClient } from '#redis/connect.ts'
import { Clearing, Heartbeat, InvalidationNote, KeyCounts } from './shapes.ts'
import { FIVE_MINUTES, MINUTES, RedisSlots, ROUTE_SLOTS, type Slots } from './slots.ts'
import { ifWrongType, isWithin } from './untrusted-values.ts'

/** How long a process counts as alive after its last heartbeat, in ms. */
const ALIVE_MS = 15_000
/** Long, because old counts are better than none: they carry their time. */
const COUNTS_TTL_S = 24 * 3600
const CLEARING_TTL_S = 30 * 24 * 3600
const INVALIDATIONS_TTL_S = 24 * 3600
/** After this, a process that counts keys is taken for dead, and another one may count. */
const COUNTING_TTL_MS = 600_000
/** Bounds on what is read, in case somebody else has written to these keys. */
const MAX_PROCESSES = 200
const MAX_BEAT_BYTES = 4096
const MAX_TEXT_BYTES = 16_384
/** How many of the last invalidations are kept. */
export const MAX_INVALIDATIONS = 50

/** Where processes publish their state and counters, and read those of the others. */
export interface ReportStore {
  readonly minutes: Slots
  readonly fiveMinutes: Slots
  readonly routes: Slots
  /** Publishes the heartbeat of a process. */
  beat(beat: Heartbeat): Promise<void>
  /** Removes a process. */
  leave(id: string): Promise<void>
  /** The live processes. */
  processes(): Promise<Heartbeat[]>
  /** Adds invalidations, newest last. */
  addInvalidations(notes: readonly InvalidationNote[]): Promise<void>
  /** The last invalidations, newest first. */
  invalidations(): Promise<InvalidationNote[]>
  putClearing(clearing: Clearing): Promise<void>
  lastClearing(): Promise<Clearing | null>
  /** Resolves to true for one process in `ms` milliseconds: that one samples the state of Redis. */
  claimSampling(ms: number): Promise<boolean>
  /** Resolves to true for one process at a time, until `pauseKeyCount` has passed: that one counts the keys. */
  claimKeyCount(): Promise<boolean>
  /** Prevents all processes from counting keys for `ms` milliseconds. */
  pauseKeyCount(ms: number): Promise<void>
  putKeyCounts(counts: KeyCounts): Promise<void>
  keyCounts(): Promise<KeyCounts | null>
}

/**
 * In Redis, with single-key commands: processes in a sorted set by the time of their last heartbeat, counters in hashes
 * by time.
 */
export class RedisReportStore implements ReportStore {
  readonly minutes: Slots
  readonly fiveMinutes: Slots
  readonly routes: Slots
  readonly #redis: RedisClient
  readonly #prefix: string

  constructor(redis: RedisClient, keyPrefix: string) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:board:`
    this.minutes = new RedisSlots(redis, this.#prefix, MINUTES)
    this.fiveMinutes = new RedisSlots(redis, this.#prefix, FIVE_MINUTES)
    this.routes = new RedisSlots(redis, this.#prefix, ROUTE_SLOTS)
  }

  async beat(beat: Heartbeat): Promise<void> {
    const redis = this.#redis
    await Promise.all([
      redis.set(this.#process(beat.id), JSON.stringify(beat), 'PX', ALIVE_MS),
      redis.zadd(this.#alive, Date.now(), beat.id).catch(ifWrongType(() => redis.unlink(this.#alive))),
      redis.zremrangebyscore(this.#alive, 0, Date.now() - 4 * ALIVE_MS).catch(ifWrongType(async () => 0)),
      redis.pexpire(this.#alive, 4 * ALIVE_MS)
    ])
  }

  async leave(id: string): Promise<void> {
    await Promise.all([this.#redis.zrem(this.#alive, id), this.#redis.unlink(this.#process(id))])
  }

  async processes(): Promise<Heartbeat[]> {
    const ids = await this.#redis.zrange(this.#alive, String(-MAX_PROCESSES), '-1').catch(ifWrongType(async () => []))
    const texts = await Promise.all(ids.map((id) => this.#text(this.#process(id), MAX_BEAT_BYTES)))
    return texts.map(parse).filter((beat) => Check(Heartbeat, beat))
  }

  async addInvalidations(notes: readonly InvalidationNote[]): Promise<void> {
    if (notes.length === 0) return
    const key = this.#invalidations
    const adding = this.#redis.multi().lpush(key, ...notes.map((note) => JSON.stringify(note)))
    const answers = await adding
      .ltrim(key, 0, MAX_INVALIDATIONS - 1)
      .expire(key, INVALIDATIONS_TTL_S)
      .exec()
    // A key of another type, put there by hand, is deleted so that the next attempt works.
    if (answers?.some(([error]) => error !== null)) await this.#redis.unlink(key)
  }

  async invalidations(): Promise<InvalidationNote[]> {
    const redis = this.#redis
    const size = await redis.llen(this.#invalidations).catch(ifWrongType(async () => 0))
    const isOurs = size <= MAX_INVALIDATIONS && (await isWithin(redis, this.#invalidations, size * MAX_TEXT_BYTES))
    const texts = isOurs ? await redis.lrange(this.#invalidations, 0, -1) : []
    return texts
      .filter((text) => text.length <= MAX_TEXT_BYTES)
      .map(parse)
      .filter((note) => Check(InvalidationNote, note))
  }

  async putClearing(clearing: Clearing): Promise<void> {
    await this.#redis.set(`${this.#prefix}clearing`, JSON.stringify(clearing), 'EX', CLEARING_TTL_S)
  }

  async lastClearing(): Promise<Clearing | null> {
    const clearing = parse(await this.#text(`${this.#prefix}clearing`))
    return Check(Clearing, clearing) ? clearing : null
  }

  claimSampling(ms: number): Promise<boolean> {
    return this.#claim('sampling', ms)
  }

  claimKeyCount(): Promise<boolean> {
    return this.#claim('counting', COUNTING_TTL_MS)
  }

  async pauseKeyCount(ms: number): Promise<void> {
    await this.#redis.set(`${this.#prefix}counting`, '', 'PX', Math.ceil(ms))
  }

  async putKeyCounts(counts: KeyCounts): Promise<void> {
    await this.#redis.set(`${this.#prefix}keys`, JSON.stringify(counts), 'EX', COUNTS_TTL_S)
  }

  async keyCounts(): Promise<KeyCounts | null> {
    const counts = parse(await this.#text(`${this.#prefix}keys`))
    return Check(KeyCounts, counts) ? counts : null
  }

  async #claim(what: string, ms: number): Promise<boolean> {
    return (await this.#redis.set(`${this.#prefix}${what}`, '', 'PX', ms, 'NX')) === 'OK'
  }

  /** Reads at most `maxBytes`; a longer text is truncated, so it does not parse. */
  #text(key: string, maxBytes = MAX_TEXT_BYTES): Promise<string> {
    return this.#redis.getrange(key, 0, maxBytes).catch(ifWrongType(async () => ''))
  }

  get #alive(): string {
    return `${this.#prefix}processes`
  }

  get #invalidations(): string {
    return `${this.#prefix}invalidations`
  }

  #process(id: string): string {
    return `${this.#prefix}process:${id}`
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
