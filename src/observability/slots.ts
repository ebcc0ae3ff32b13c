import type { RedisClient } from '#redis/connect.ts'
import { ifWrongType, isWithin } from './planted.ts'

/** Counts by name, as `course:hits`. */
export type Deltas = Readonly<Record<string, number>>

/** What was counted in one span of time. */
export interface Slot {
  /** Its beginning, in ms since 1970. */
  readonly at: number
  readonly counts: Deltas
}

/** Counts of all processes by spans of time of the same length; those that are too old go by themselves. */
export interface Slots {
  /** Adds to the span that is now: all of it, or nothing. */
  add(deltas: Deltas): Promise<void>
  /** The last spans, the oldest first; that which is now is the last. */
  last(spans: number): Promise<Slot[]>
}

export interface SlotsOptions {
  readonly name: string
  readonly stepMs: number
  /** How many spans are kept. */
  readonly kept: number
  /** A span with more counts was not made by us. */
  readonly maxCounts: number
}

const MINUTE_MS = 60_000
/** What one count takes in Redis, with its name, at most. */
const MAX_COUNT_BYTES = 400

/** Of the cache and of requests: five hours by minutes, a day by five minutes. */
export const MINUTES: SlotsOptions = { name: 'minute', stepMs: MINUTE_MS, kept: 300, maxCounts: 1000 }
export const FIVE_MINUTES: SlotsOptions = { name: 'five-minutes', stepMs: 5 * MINUTE_MS, kept: 288, maxCounts: 1000 }
/** Of each route: the last hour. */
export const ROUTE_SLOTS: SlotsOptions = { name: 'routes', stepMs: 5 * MINUTE_MS, kept: 13, maxCounts: 20_000 }

/** The beginnings of the last spans, the oldest first. */
function lastSpans(stepMs: number, spans: number): number[] {
  const now = Math.floor(Date.now() / stepMs) * stepMs
  return Array.from({ length: spans }, (_, i) => now - (spans - 1 - i) * stepMs)
}

/** In Redis: a hash for each span. */
export class RedisSlots implements Slots {
  readonly #redis: RedisClient
  readonly #prefix: string
  readonly #options: SlotsOptions

  constructor(redis: RedisClient, prefix: string, options: SlotsOptions) {
    this.#redis = redis
    this.#prefix = `${prefix}${options.name}:`
    this.#options = options
  }

  async add(deltas: Deltas): Promise<void> {
    const { stepMs, kept } = this.#options
    const [now = 0] = lastSpans(stepMs, 1)
    const counting = this.#redis.multi()
    for (const [name, count] of Object.entries(deltas)) counting.hincrby(this.#key(now), name, count)
    await counting.pexpire(this.#key(now), (kept + 1) * stepMs).exec()
  }

  last(spans: number): Promise<Slot[]> {
    return Promise.all(
      lastSpans(this.#options.stepMs, spans).map(async (at) => ({ at, counts: await this.#counts(this.#key(at)) }))
    )
  }

  async #counts(key: string): Promise<Deltas> {
    const size = await this.#redis.hlen(key).catch(ifWrongType(async () => 0))
    const { maxCounts } = this.#options
    if (size === 0 || size > maxCounts || !(await isWithin(this.#redis, key, maxCounts * MAX_COUNT_BYTES))) return {}
    const counts = Object.entries(await this.#redis.hgetall(key)).map(([name, count]) => [name, Number(count)] as const)
    return Object.fromEntries(counts.filter(([, count]) => Number.isSafeInteger(count) && count >= 0))
  }

  #key(at: number): string {
    return `${this.#prefix}${at / this.#options.stepMs}`
  }
}

/** In this process, for the embedded service. */
export class MemorySlots implements Slots {
  readonly #spans = new Map<number, Record<string, number>>()
  readonly #options: SlotsOptions

  constructor(options: SlotsOptions) {
    this.#options = options
  }

  async add(deltas: Deltas): Promise<void> {
    const spans = lastSpans(this.#options.stepMs, this.#options.kept)
    for (const at of this.#spans.keys()) if (at < (spans[0] ?? 0)) this.#spans.delete(at)
    const now = spans.at(-1) ?? 0
    const counts = this.#spans.get(now) ?? {}
    for (const [name, count] of Object.entries(deltas)) counts[name] = (counts[name] ?? 0) + count
    this.#spans.set(now, counts)
  }

  async last(spans: number): Promise<Slot[]> {
    return lastSpans(this.#options.stepMs, spans).map((at) => ({ at, counts: this.#spans.get(at) ?? {} }))
  }
}

/** Adds to slots what was counted since that was done last. */
export class Telling {
  readonly #slots: Slots
  readonly #total: () => Deltas
  #told: Deltas = {}
  #telling: Promise<void> = Promise.resolve()

  /** `total` is what was counted since the process began. */
  constructor(slots: Slots, total: () => Deltas) {
    this.#slots = slots
    this.#total = total
  }

  /** One after the other. What fails is told with the next, and was not counted. */
  tell(): Promise<void> {
    this.#telling = this.#telling.catch(() => {}).then(() => this.#tell())
    return this.#telling
  }

  async #tell(): Promise<void> {
    const total = this.#total()
    const deltas = Object.entries(total).map(([name, count]) => [name, count - (this.#told[name] ?? 0)] as const)
    await this.#slots.add(Object.fromEntries(deltas.filter(([, delta]) => delta > 0)))
    this.#told = total
  }
}
