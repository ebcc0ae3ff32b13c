import { LRUCache } from 'lru-cache'
import { growingTo } from '#bounds/growing-to.ts'
import type { Log } from '#logging/log.ts'
import type { RedisClient } from '#redis/connect.ts'
import { endOfTurn } from '#redis/once-per-turn.ts'

/**
 * Increments a counter, and starts its window with the first increment: atomically, so that several processes count
 * exactly. A value put there by hand that is not a count, or whose TTL is missing or too long, is reset.
 */
const INCREMENT = `
local current = redis.pcall('INCRBY', KEYS[1], ARGV[2])
local ttl = redis.call('PTTL', KEYS[1])
if type(current) ~= 'number' or current < 0 or current > 2 ^ 53 or ttl > tonumber(ARGV[1])
  or (ttl < 0 and current ~= tonumber(ARGV[2])) then
  redis.call('DEL', KEYS[1])
  current = redis.call('INCRBY', KEYS[1], ARGV[2])
  ttl = -1
end
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ttl = tonumber(ARGV[1])
end
return { current, ttl }`

const MAX_OWN_COUNTERS = 100_000

export interface Count {
  readonly current: number
  /** How much longer the window lasts, in ms. */
  readonly ttl: number
}

/** Increments that are sent to Redis together. */
interface Group {
  size: number
  readonly counted: Promise<Count>
}

/**
 * Counters of requests in time windows: in Redis for all processes together; in this process while Redis does not
 * answer.
 */
export class Counters {
  readonly #redis: RedisClient | null
  readonly #prefix: string
  readonly #log: Log
  readonly #own = new LRUCache<string, { current: number }>(growingTo(MAX_OWN_COUNTERS))
  readonly #groups = new Map<string, Group>()
  #failing = false

  constructor(redis: RedisClient | null, keyPrefix: string, log: Log) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:limit:`
    this.#log = log
  }

  /** Not a promise if the process counts on its own, which saves a wait. Never rejects. */
  increment(key: string, windowMs: number): Count | Promise<Count> {
    return this.#redis === null ? this.#addOwn(key, 1, windowMs) : this.#incrementShared(this.#redis, key, windowMs)
  }

  /**
   * Increments of one key in the same turn of the event loop are coalesced; each gets its own position in the count.
   */
  async #incrementShared(redis: RedisClient, key: string, windowMs: number): Promise<Count> {
    const group = this.#groups.get(key) ?? this.#begin(redis, key, windowMs)
    const position = ++group.size
    const { current, ttl } = await group.counted
    return { current: current - group.size + position, ttl }
  }

  #begin(redis: RedisClient, key: string, windowMs: number): Group {
    const counted = endOfTurn().then(() => {
      this.#groups.delete(key)
      return this.#addShared(redis, key, group.size, windowMs)
    })
    const group: Group = { size: 0, counted }
    this.#groups.set(key, group)
    return group
  }

  async #addShared(redis: RedisClient, key: string, size: number, windowMs: number): Promise<Count> {
    try {
      const answer = await redis.eval(INCREMENT, 1, this.#prefix + key, windowMs, size)
      if (!Array.isArray(answer)) throw new TypeError('not a count')
      this.#failing = false
      return { current: Number(answer[0]), ttl: Number(answer[1]) }
    } catch (err) {
      if (!this.#failing) this.#log.error({ err }, 'Redis does not answer: each process counts rate limits on its own')
      this.#failing = true
      return this.#addOwn(key, size, windowMs)
    }
  }

  #addOwn(key: string, size: number, windowMs: number): Count {
    const count = this.#own.get(key)
    if (count === undefined) {
      this.#own.set(key, { current: size }, { ttl: windowMs })
      return { current: size, ttl: windowMs }
    }
    count.current += size
    // lru-cache caches its clock, so the remaining time can exceed the window.
    return { current: count.current, ttl: Math.min(windowMs, this.#own.getRemainingTTL(key)) }
  }
}
