import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'

/** Where sessions are kept, as text, under their ids. */
export interface SessionStore {
  get(id: string): Promise<string | null>
  set(id: string, text: string, ttlMs: number): Promise<void>
  delete(id: string): Promise<void>
}

/** Sessions in Redis, under `session:<id>`. */
export class RedisSessions implements SessionStore {
  readonly #redis: Redis
  readonly #prefix: string

  constructor(redis: Redis, keyPrefix: string) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:session:`
  }

  get(id: string): Promise<string | null> {
    return this.#redis.get(this.#prefix + id)
  }

  async set(id: string, text: string, ttlMs: number): Promise<void> {
    await this.#redis.set(this.#prefix + id, text, 'PX', ttlMs)
  }

  async delete(id: string): Promise<void> {
    await this.#redis.unlink(this.#prefix + id)
  }
}

const MAX_SESSIONS = 100_000

/** Sessions in this process, for the embedded service: a restart signs everybody out. */
export class MemorySessions implements SessionStore {
  readonly #items = new LRUCache<string, string>({ max: MAX_SESSIONS })

  async get(id: string): Promise<string | null> {
    return this.#items.get(id) ?? null
  }

  async set(id: string, text: string, ttlMs: number): Promise<void> {
    this.#items.set(id, text, { ttl: ttlMs })
  }

  async delete(id: string): Promise<void> {
    this.#items.delete(id)
  }
}
