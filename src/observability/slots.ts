import type { RedisClient } from '#redis/connect.ts'
import { ifWrongType, isWithin } from './untrusted-values.ts'

/** Counts by name, such as `course:hits`. */
export type Deltas = Readonly<Record<string, number>>

/** The counts of one span of time. */
export interface Slot {
  /** Its start, in ms since 1970. */
  readonly at: number
  readonly counts: Deltas
}

/** Counts of all processes by spans of time of equal length; old ones expire. */
export interface Slots {
  /** Adds to the current span, atomically. */
  add(deltas: Deltas): Promise<void>
  /** The last spans, oldest first, up to the current one. */
  last(spans: number): Promise<Slot[]>
}

export interface SlotsOptions {
  readonly name: string
  readonly stepMs: number
  /** How many spans are kept. */
  readonly kept: number
  /** A span with more counts was not written by us. */
  readonly maxCounts: number
}

const MINUTE_MS = 60_000
/** The most that one count and its name take in Redis. */
const MAX_COUNT_BYTES = 400

/** Counts of the cache and of requests: five hours by minute, a day by five minutes. */
export const MINUTES: SlotsOptions = { name: 'minute', stepMs: MINUTE_MS, kept: 300, maxCounts: 1000 }
export const FIVE_MINUTES: SlotsOptions = { name: 'five-minutes', stepMs: 5 * MINUTE_MS, kept: 288, maxCounts: 1000 }
/** Counts of each route: the last hour. */
export const ROUTE_SLOTS: SlotsOptions = { name: 'routes', stepMs: 5 * MINUTE_MS, kept: 13, maxCounts: 20_000 }

/** The starts of the last spans, oldest first. */
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

/** Adds to slots what has been counted since the last write. */
export class DeltaWriter {
  readonly #slots: Slots
  readonly #total: () => Deltas
  #written: Deltas = {}
  #writing: Promise<void> = Promise.resolve()

  /** `total` returns the counts since the process started. */
  constructor(slots: Slots, total: () => Deltas) {
    this.#slots = slots
    this.#total = total
  }

  /** Writes run one after the other. The deltas of a failed write, which is atomic, are part of the next one. */
  write(): Promise<void> {
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write())
    return this.#writing
  }

  async #write(): Promise<void> {
    const total = this.#total()
    const deltas = Object.entries(total).map(([name, count]) => [name, count - (this.#written[name] ?? 0)] as const)
    await this.#slots.add(Object.fromEntries(deltas.filter(([, delta]) => delta > 0)))
    this.#written = total
  }
}
