import { LRUCache } from 'lru-cache'
import type { PrismaClient } from '#database/generated/client.ts'
import type { Log } from '#logging/log.ts'

const MINUTE_MS = 60_000
/** Tokens whose last use is remembered, and may wait to be written. */
const MAX_TOKENS = 10_000

/**
 * When tokens were last used, written at most once a minute for each. No request waits for it: one statement at a time writes all uses
 * that have come meanwhile.
 */
export class LastUse {
  readonly #client: PrismaClient
  readonly #log: Log
  readonly #recent = new LRUCache<number, true>({ max: MAX_TOKENS, ttl: MINUTE_MS })
  #waiting = new Set<number>()
  #writing: Promise<void> | null = null

  constructor(client: PrismaClient, log: Log) {
    this.#client = client
    this.#log = log
  }

  /** Notes that the token is used, of which the database says when it was before. */
  note(id: number, lastUsedAt: Date | null): void {
    const isRecent = lastUsedAt !== null && Date.now() - lastUsedAt.getTime() < MINUTE_MS
    if (isRecent || this.#recent.has(id) || this.#waiting.size >= MAX_TOKENS) return
    this.#recent.set(id, true)
    this.#waiting.add(id)
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
    })
  }

  /** Resolves once all that was noted has been written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const ids = [...this.#waiting]
      this.#waiting = new Set()
      try {
        // A row that is locked is written, or revoked, by somebody else at this moment.
        await this.#client.$executeRaw`
          update access_token set last_used_at = now() where id in (
            select id from access_token where id = any(${ids}::int[]) and
              (last_used_at is null or last_used_at < now() - interval '1 minute')
            for no key update skip locked)`
      } catch (err) {
        this.#log.warn({ err, tokens: ids.length }, 'the last use of access tokens was not written')
      }
    }
  }
}
