import { LRUCache } from 'lru-cache'
import type { RedisClient } from '#redis/connect.ts'
import { OncePerTurn } from '#redis/once-per-turn.ts'
import { MAX_SESSION_BYTES } from './session-record.ts'

/** Where sessions are kept, as text, under their ids. */
export interface SessionStore {
  get(id: string): Promise<string | null>
  /** Keeps a session that begins. */
  begin(id: string, text: string, ttlMs: number): Promise<void>
  /** Prolongs one that is still there: a request that is under way must not bring back what was ended meanwhile. */
  prolong(id: string, text: string, ttlMs: number): Promise<void>
  delete(id: string): Promise<void>
  /** Throws when no session can be kept at the moment. */
  ready(): Promise<void>
}

const PROBE_MS = 1000

/** Sessions in Redis, under `session:<id>`. */
export class RedisSessions implements SessionStore {
  readonly #redis: RedisClient
  readonly #prefix: string
  readonly #probe: string
  readonly #reads = new OncePerTurn<string | null>()

  constructor(redis: RedisClient, keyPrefix: string) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:session:`
    this.#probe = `${keyPrefix}:session-probe`
  }

  get(id: string): Promise<string | null> {
    return this.#reads.ask(id, () => this.#read(id))
  }

  /** Null also for a key of another type, put there by hand. Of a text that is longer than a session is, no more than that is transferred. */
  #read(id: string): Promise<string | null> {
    return this.#redis.getrange(this.#prefix + id, 0, MAX_SESSION_BYTES).then(
      (text) => text || null,
      (error) => {
        if (/WRONGTYPE/.test(String(error))) return null
        throw error
      }
    )
  }

  async begin(id: string, text: string, ttlMs: number): Promise<void> {
    await this.#redis.set(this.#prefix + id, text, 'PX', ttlMs)
  }

  async prolong(id: string, text: string, ttlMs: number): Promise<void> {
    await this.#redis.set(this.#prefix + id, text, 'PX', ttlMs, 'XX')
  }

  async delete(id: string): Promise<void> {
    await this.#redis.unlink(this.#prefix + id)
  }

  /** Writes: a Redis that is full, or a replica, answers a ping and keeps nothing. */
  async ready(): Promise<void> {
    await this.#redis.set(this.#probe, '1', 'PX', PROBE_MS)
  }
}

const MAX_SESSIONS = 100_000

/** Sessions in this process, for the embedded service: a restart signs everybody out. */
export class MemorySessions implements SessionStore {
  readonly #items = new LRUCache<string, string>({ max: MAX_SESSIONS })

  async get(id: string): Promise<string | null> {
    return this.#items.get(id) ?? null
  }

  async begin(id: string, text: string, ttlMs: number): Promise<void> {
    this.#items.set(id, text, { ttl: ttlMs })
  }

  async prolong(id: string, text: string, ttlMs: number): Promise<void> {
    if (this.#items.has(id)) this.#items.set(id, text, { ttl: ttlMs })
  }

  async delete(id: string): Promise<void> {
    this.#items.delete(id)
  }

  async ready(): Promise<void> {}
}
