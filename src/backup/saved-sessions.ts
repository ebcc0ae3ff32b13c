import { open } from 'node:fs/promises'
import { type Redis, ReplyError } from 'ioredis'
import pRetry from 'p-retry'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { allMasters, type RedisClient } from '#redis/connect.ts'
import { BackupError, messageOf } from './backup-error.ts'

/** How many keys one SCAN step examines, and how many sessions are written at once. */
const BATCH_SIZE = 500
/** A save that a failover interrupts is started again. */
const RETRIES = { retries: 6, minTimeout: 500, maxTimeout: 4000 }

/** A session, as one line of JSON. */
const SavedSession = Type.Object({ id: Type.String(), text: Type.String(), expiresAt: Type.Integer() })
type SavedSession = Static<typeof SavedSession>
const saved = Compile(SavedSession)

/**
 * Saves and restores the sessions in Redis. It uses single-key commands, and SCAN on each master, so it works the same
 * on one server, behind Sentinel and in a cluster, with the permissions of the service: no BGSAVE, no files of Redis,
 * no restart.
 */
export class SavedSessions {
  readonly #redis: RedisClient
  readonly #prefix: string

  constructor(redis: RedisClient, keyPrefix: string) {
    this.#redis = redis
    this.#prefix = `${keyPrefix}:session:`
  }

  /** Writes all sessions to a new file; resolves to their number. */
  async save(file: string): Promise<number> {
    try {
      return await pRetry(() => this.#save(file), { ...RETRIES, shouldRetry: ({ error }) => !isRefused(error) })
    } catch (error) {
      throw new BackupError(`the sessions cannot be read from Redis: ${messageOf(error)}`)
    }
  }

  async #save(file: string): Promise<number> {
    const output = await open(file, 'w', 0o600)
    const ids = new Set<string>()
    try {
      const { masters, layout } = await allMasters(this.#redis)
      for await (const sessions of this.#all(masters)) {
        // SCAN may return a key twice.
        const fresh = sessions.filter(({ id }) => !ids.has(id))
        for (const { id } of fresh) ids.add(id)
        await output.write(fresh.map((session) => `${JSON.stringify(session)}\n`).join(''))
      }
      if ((await allMasters(this.#redis)).layout !== layout) throw new Error('the cluster moved slots meanwhile')
      return ids.size
    } finally {
      await output.close()
    }
  }

  /** Replaces all sessions in Redis with those of a file; resolves to the number that have not expired yet. */
  async restore(file: string): Promise<number> {
    let count = 0
    const { masters } = await allMasters(this.#redis)
    for await (const keys of this.#keys(masters)) await Promise.all(keys.map(({ key }) => this.#redis.unlink(key)))
    for await (const sessions of linesOf(file)) {
      const unexpired = sessions.filter(({ expiresAt }) => expiresAt > Date.now())
      count += unexpired.length
      await Promise.all(
        unexpired.map(({ id, text, expiresAt }) => this.#redis.set(this.#prefix + id, text, 'PXAT', expiresAt))
      )
    }
    return count
  }

  async *#all(masters: readonly Redis[]): AsyncGenerator<SavedSession[]> {
    for await (const keys of this.#keys(masters)) {
      const sessions = keys.map(async ({ master, key }) => {
        const [text, ttl] = await Promise.all([master.get(key).catch(onWrongType), master.pttl(key)])
        return text === null || ttl <= 0
          ? []
          : [{ id: key.slice(this.#prefix.length), text, expiresAt: Date.now() + ttl }]
      })
      yield (await Promise.all(sessions)).flat()
    }
  }

  async *#keys(masters: readonly Redis[]) {
    // The prefix contains no special characters of patterns (src/config/config.ts).
    for (const master of masters) {
      let cursor = '0'
      do {
        const [next, keys] = await master.scan(cursor, 'MATCH', `${this.#prefix}*`, 'COUNT', BATCH_SIZE)
        cursor = next
        yield keys.map((key) => ({ master, key }))
      } while (cursor !== '0')
    }
  }
}

/** The number of sessions in a file. Throws `BackupError` if the file is invalid. */
export async function countSessions(file: string): Promise<number> {
  let count = 0
  for await (const sessions of linesOf(file)) count += sessions.length
  return count
}

async function* linesOf(file: string): AsyncGenerator<SavedSession[]> {
  const input = await open(file)
  let sessions: SavedSession[] = []
  for await (const line of input.readLines()) {
    sessions.push(parse(line))
    if (sessions.length < BATCH_SIZE) continue
    yield sessions
    sessions = []
  }
  yield sessions
}

function parse(line: string): SavedSession {
  try {
    const session: unknown = JSON.parse(line)
    if (saved.Check(session)) return session
  } catch {}
  throw new BackupError('the file of sessions has an invalid line')
}

/** A key of another type is not a session. */
function onWrongType(error: unknown): null {
  if (/WRONGTYPE/.test(String(error))) return null
  throw error
}

/** Missing permissions: retrying does not help. */
function isRefused(error: unknown): boolean {
  return error instanceof ReplyError && /NOPERM|NOAUTH|WRONGPASS/.test(String(error))
}
