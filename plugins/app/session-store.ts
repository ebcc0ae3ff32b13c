import type { SessionStore as LibraryStore } from '@fastify/session'
import type { FastifyBaseLogger, Session } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'
import { SessionRecords } from '#sessions/session-record.ts'
import { MemorySessions, RedisSessions, type SessionStore } from '#sessions/session-store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The store of `@fastify/session`. */
    readonly sessionStore: LibraryStore
    /** Reads any session by its id. If the store fails, the result has `unreadable`. */
    readSession(id: string): Promise<Session | null>
    /**
     * For routes that write and then begin a session: throws 503 if sessions cannot be stored, before anything is
     * written.
     */
    requireSessions(): Promise<void>
  }
  interface Session {
    userId?: number
    /** The id of its row in the database. */
    rowId?: number
    epoch?: number
    /** When it began; equal to `renewedAt` until it is extended. Both in ms since 1970. */
    begunAt?: number
    renewedAt?: number
    /** The store could not be read, so the user is unknown. plugins/app/identity.ts decides what follows. */
    unreadable?: ApiError
  }
}

/** The store of `@fastify/session`: in Redis, or in this process if there is no Redis. */
export default fp(
  async (app) => {
    const { config, redis, log } = app
    const store = redis.session ? new RedisSessions(redis.session, config.redis.keyPrefix) : new MemorySessions()
    if (redis.session && config.session.isGenerated && config.role === 'api')
      log.warn('sessions end with this process, and other processes do not accept them: set SESSION_SECRET')
    app.decorate(
      'sessionStore',
      adapt(store, new SessionRecords(config.session.secrets, config.session), config.session.ttlMs, log)
    )
    app.decorate('readSession', (id) => {
      const { promise, resolve, reject } = Promise.withResolvers<Session | null>()
      app.sessionStore.get(id, (error, session) => (error ? reject(error) : resolve(session ?? null)))
      return promise
    })
    app.decorate('requireSessions', () =>
      store.ready().catch((error) => {
        throw unavailable(error)
      })
    )
  },
  { name: 'session-store', dependencies: ['redis'] }
)

function unavailable(cause: unknown): ApiError {
  return new ApiError(503, 'SESSIONS_DOWN', 'sessions cannot be read at the moment', { 'Retry-After': '5' }, { cause })
}

function adapt(store: SessionStore, records: SessionRecords, ttlMs: number, log: FastifyBaseLogger): LibraryStore {
  // The cookie follows the current configuration, not that at the start of the session.
  const cookie = { originalMaxAge: ttlMs }

  async function get(id: string) {
    try {
      const text = await store.get(id)
      const session = text === null ? null : records.parse(id, text)
      return session && { ...session, cookie }
    } catch (error) {
      return { cookie, unreadable: unavailable(error) }
    }
  }

  async function set(id: string, text: string, begins: boolean) {
    try {
      await (begins ? store.begin(id, text, ttlMs) : store.extend(id, text, ttlMs))
    } catch (error) {
      if (begins) throw unavailable(error)
      // The session would end a little earlier; the next request tries again.
      log.error({ err: error }, 'a session was not extended; check REDIS_SESSION_URL')
    }
  }

  /** Calls back once; an error that the library throws in the callback must not end the process. */
  function answer<T>(work: Promise<T>, callback: (error: unknown, value?: T) => void): void {
    work
      .then((value) => callback(null, value), callback)
      .catch((err) => log.error({ err }, 'the session library failed in a callback'))
  }

  return {
    get: (id, callback) => answer(get(id), callback),
    set: (id, value, callback) => {
      // The library also saves new sessions before sign-in: they are stored only once they have a user.
      const text = records.format(id, value)
      if (text === null) callback()
      else answer(set(id, text, value.begunAt === value.renewedAt), callback)
    },
    destroy: (id, callback) => {
      // The session of a visitor has no id, and was never stored.
      if (id === '') callback()
      else
        answer(
          store.delete(id).catch((error) => {
            throw unavailable(error)
          }),
          callback
        )
    }
  }
}
