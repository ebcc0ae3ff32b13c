import { LRUCache } from 'lru-cache'
import { growingTo } from '#bounds/growing-to.ts'
import type { RedisClient } from '#redis/connect.ts'
import { OncePerTurn } from '#redis/once-per-turn.ts'
import { MAX_SESSION_BYTES } from './session-record.ts'

/** A store of sessions: text by session id. */
export interface SessionStore {
  get(id: string): Promise<string | null>
  /** Stores a new session. */
  begin(id: string, text: string, ttlMs: number): Promise<void>
  /** Extends a session only if it still exists: a request under way must not revive a session that has ended. */
  extend(id: string, text: string, ttlMs: number): Promise<void>
  delete(id: string): Promise<void>
  /** Throws if sessions cannot be stored at the moment. */
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

  /**
   * Null also for a key of another type, put there by hand. Reads no more than the size of a session, however long the
   * value is.
   */
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

  async extend(id: string, text: string, ttlMs: number): Promise<void> {
    await this.#redis.set(this.#prefix + id, text, 'PX', ttlMs, 'XX')
  }

  async delete(id: string): Promise<void> {
    await this.#redis.unlink(this.#prefix + id)
  }

  /** Tests with a write, because a full Redis and a read-only replica answer PING as well. */
  async ready(): Promise<void> {
    await this.#redis.set(this.#probe, '1', 'PX', PROBE_MS)
  }
}

const MAX_SESSIONS = 100_000

/** Sessions in this process, for the embedded service: a restart signs everybody out. */
export class MemorySessions implements SessionStore {
  readonly #items = new LRUCache<string, string>(growingTo(MAX_SESSIONS))

  async get(id: string): Promise<string | null> {
    return this.#items.get(id) ?? null
  }

  async begin(id: string, text: string, ttlMs: number): Promise<void> {
    this.#items.set(id, text, { ttl: ttlMs })
  }

  async extend(id: string, text: string, ttlMs: number): Promise<void> {
    if (this.#items.has(id)) this.#items.set(id, text, { ttl: ttlMs })
  }

  async delete(id: string): Promise<void> {
    this.#items.delete(id)
  }

  async ready(): Promise<void> {}
}
