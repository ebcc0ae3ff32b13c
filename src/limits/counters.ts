import { LRUCache } from 'lru-cache'
import type { Log } from '../log.ts'
import type { RedisClient } from '../redis/connect.ts'

/** Counts, and lets the window begin with the first: one step, so that many processes count exactly. */
const INCREMENT = `
local current = redis.call('INCR', KEYS[1])
if current == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { current, redis.call('PTTL', KEYS[1]) }`

const MAX_OWN_COUNTERS = 100_000

export interface Count {
  readonly current: number
  /** How much longer the window is open, in ms. */
  readonly ttl: number
}

/** Counters of requests in windows of time: in Redis for all processes together, in this process while Redis is gone. */
export class Counters {
  readonly #redis: RedisClient | null
  readonly #prefix: string
  readonly #log: Log
  readonly #own = new LRUCache<string, { current: number }>({ max: MAX_OWN_COUNTERS })
  #failing = false

  constructor(redis: RedisClient | null, keyPrefix: string, log: Log) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:limit:`
    this.#log = log
  }

  /** At once where this process counts for itself: nobody then waits for a promise. Never rejects. */
  increment(key: string, windowMs: number): Count | Promise<Count> {
    return this.#redis === null ? this.#incrementOwn(key, windowMs) : this.#incrementShared(this.#redis, key, windowMs)
  }

  async #incrementShared(redis: RedisClient, key: string, windowMs: number): Promise<Count> {
    try {
      const answer = await redis.eval(INCREMENT, 1, this.#prefix + key, windowMs)
      if (!Array.isArray(answer)) throw new TypeError('not a count')
      this.#failing = false
      return { current: Number(answer[0]), ttl: Number(answer[1]) }
    } catch (err) {
      if (!this.#failing)
        this.#log.error({ err }, 'rate limits counted by each process for itself: Redis does not answer')
      this.#failing = true
      return this.#incrementOwn(key, windowMs)
    }
  }

  #incrementOwn(key: string, windowMs: number): Count {
    const count = this.#own.get(key)
    if (count !== undefined) return { current: ++count.current, ttl: this.#own.getRemainingTTL(key) }
    this.#own.set(key, { current: 1 }, { ttl: windowMs })
    return { current: 1, ttl: windowMs }
  }
}
