import { Check } from 'typebox/schema'
import type { RedisClient } from '#redis/connect.ts'
import { KeyCounts, ProcessBeat } from './shapes.ts'

/** For how long a process counts as alive after it was heard of, in ms. */
const ALIVE_MS = 15_000
const MINUTE_MS = 60_000
const HISTORY_MINUTES = 60
const HISTORY_TTL_S = 2 * 3600
/** Old counts are better than none: they say how old they are. */
const COUNTS_TTL_S = 24 * 3600
/** Who counts keys and has died is waited for no longer. */
const COUNTING_TTL_MS = 600_000
/** What others may have put there by hand is looked at no further than this. */
const MAX_PROCESSES = 1000
const MAX_COUNTS = 1000
const MAX_TEXT_BYTES = 16_384

/** Counts by `<prefix>:<what>`, as `course:hits`. */
export type Deltas = Readonly<Record<string, number>>

/** Counts of one minute. */
export interface Minute {
  /** Its beginning, in ms since 1970. */
  readonly at: number
  readonly counts: Deltas
}

/** Where the processes put up what they do, and read what the others do. */
export interface Board {
  /** Says that a process is alive, and adds what it has counted since it said so last. */
  beat(beat: ProcessBeat, deltas: Deltas): Promise<void>
  /** Takes a process off. */
  leave(id: string): Promise<void>
  /** Those alive. */
  processes(): Promise<ProcessBeat[]>
  /** The last hour by minutes, the oldest first. */
  history(): Promise<Minute[]>
  /** True for one process at a time, until `restFromCounting`: it may count the keys. */
  mayCountKeys(): Promise<boolean>
  /** Nobody counts keys for so long. */
  restFromCounting(ms: number): Promise<void>
  putKeyCounts(counts: KeyCounts): Promise<void>
  keyCounts(): Promise<KeyCounts | null>
}

/** The minutes of the last hour, the oldest first, in ms since 1970. */
function lastMinutes(): number[] {
  const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
  return Array.from({ length: HISTORY_MINUTES }, (_, i) => now - (HISTORY_MINUTES - 1 - i) * MINUTE_MS)
}

/** In Redis, in single-key commands: processes in a sorted set by when they were heard of, minutes in hashes. */
export class RedisBoard implements Board {
  readonly #redis: RedisClient
  readonly #prefix: string

  constructor(redis: RedisClient, keyPrefix: string) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:board:`
  }

  async beat(beat: ProcessBeat, deltas: Deltas): Promise<void> {
    const redis = this.#redis
    const minute = this.#minute(lastMinutes().at(-1) ?? 0)
    await Promise.all([
      redis.set(this.#process(beat.id), JSON.stringify(beat), 'PX', ALIVE_MS),
      redis.zadd(this.#alive, Date.now(), beat.id).catch(ifWrongType(() => redis.unlink(this.#alive))),
      redis.zremrangebyscore(this.#alive, 0, Date.now() - 4 * ALIVE_MS).catch(ifWrongType(async () => 0)),
      redis.pexpire(this.#alive, 4 * ALIVE_MS)
    ])
    // Last, and all or nothing: what fails is told again, and must not have been counted.
    const counting = redis.multi()
    for (const [name, count] of Object.entries(deltas)) counting.hincrby(minute, name, count)
    await counting.expire(minute, HISTORY_TTL_S).exec()
  }

  async leave(id: string): Promise<void> {
    await Promise.all([this.#redis.zrem(this.#alive, id), this.#redis.unlink(this.#process(id))])
  }

  async processes(): Promise<ProcessBeat[]> {
    const ids = await this.#redis.zrange(this.#alive, String(-MAX_PROCESSES), '-1').catch(ifWrongType(async () => []))
    const texts = await Promise.all(ids.map((id) => this.#text(this.#process(id))))
    return texts.map(parse).filter((beat) => Check(ProcessBeat, beat))
  }

  history(): Promise<Minute[]> {
    return Promise.all(
      lastMinutes().map(async (at) => {
        const size = await this.#redis.hlen(this.#minute(at)).catch(ifWrongType(async () => 0))
        const isOurs = size > 0 && size <= MAX_COUNTS
        const fields = isOurs ? await this.#redis.hgetall(this.#minute(at)) : {}
        const counts = Object.entries(fields).map(([name, count]) => [name, Number(count)] as const)
        return {
          at,
          counts: Object.fromEntries(counts.filter(([, count]) => Number.isSafeInteger(count) && count >= 0))
        }
      })
    )
  }

  async mayCountKeys(): Promise<boolean> {
    return (await this.#redis.set(`${this.#prefix}counting`, '', 'PX', COUNTING_TTL_MS, 'NX')) === 'OK'
  }

  async restFromCounting(ms: number): Promise<void> {
    await this.#redis.set(`${this.#prefix}counting`, '', 'PX', Math.ceil(ms))
  }

  async putKeyCounts(counts: KeyCounts): Promise<void> {
    await this.#redis.set(`${this.#prefix}keys`, JSON.stringify(counts), 'EX', COUNTS_TTL_S)
  }

  async keyCounts(): Promise<KeyCounts | null> {
    const counts = parse(await this.#text(`${this.#prefix}keys`))
    return Check(KeyCounts, counts) ? counts : null
  }

  /** A text of ours; what is longer is cut, and so is none. */
  #text(key: string): Promise<string> {
    return this.#redis.getrange(key, 0, MAX_TEXT_BYTES).catch(ifWrongType(async () => ''))
  }

  get #alive(): string {
    return `${this.#prefix}processes`
  }

  #process(id: string): string {
    return `${this.#prefix}process:${id}`
  }

  #minute(at: number): string {
    return `${this.#prefix}minute:${at / MINUTE_MS}`
  }
}

/** In this process, for the embedded service. */
export class MemoryBoard implements Board {
  readonly #beats = new Map<string, ProcessBeat>()
  readonly #minutes = new Map<number, Record<string, number>>()
  #keys: KeyCounts | null = null

  async beat(beat: ProcessBeat, deltas: Deltas): Promise<void> {
    this.#beats.set(beat.id, beat)
    const minutes = lastMinutes()
    for (const at of this.#minutes.keys()) if (at < (minutes[0] ?? 0)) this.#minutes.delete(at)
    const now = minutes.at(-1) ?? 0
    const counts = this.#minutes.get(now) ?? {}
    for (const [name, count] of Object.entries(deltas)) counts[name] = (counts[name] ?? 0) + count
    this.#minutes.set(now, counts)
  }

  async leave(id: string): Promise<void> {
    this.#beats.delete(id)
  }

  async processes(): Promise<ProcessBeat[]> {
    return [...this.#beats.values()]
  }

  async history(): Promise<Minute[]> {
    return lastMinutes().map((at) => ({ at, counts: this.#minutes.get(at) ?? {} }))
  }

  async mayCountKeys(): Promise<boolean> {
    return true
  }

  async restFromCounting(): Promise<void> {}

  async putKeyCounts(counts: KeyCounts): Promise<void> {
    this.#keys = counts
  }

  async keyCounts(): Promise<KeyCounts | null> {
    return this.#keys
  }
}

/** Does something else where a key is of another type, put there by hand. */
function ifWrongType<T>(instead: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (/WRONGTYPE/.test(String(error))) return instead()
    throw error
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
