import type { SessionStore as LibraryStore } from '@fastify/session'
import type { FastifyBaseLogger, Session } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'
import { SessionRecords } from '#sessions/session-record.ts'
import { MemorySessions, RedisSessions, type SessionStore } from '#sessions/session-store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Where `@fastify/session` keeps sessions. */
    readonly sessionStore: LibraryStore
    /** The session that is kept under an id now, beside that of the request. One that cannot be read says so in `unreadable`. */
    readSession(id: string): Promise<Session | null>
    /** For a route that writes and then begins a session: throws 503 while none can be kept, so that nothing is half done. */
    requireSessions(): Promise<void>
  }
  interface Session {
    userId?: number
    /** Of its row in the database. */
    rowId?: number
    epoch?: number
    /** When it began; equal to `renewedAt` until it is extended. In ms since 1970, both. */
    begunAt?: number
    renewedAt?: number
    /** The store could not be read: nobody can tell whose session this is. plugins/app/identity.ts decides what that means. */
    unreadable?: ApiError
  }
}

/** Sessions in Redis, or in this process where there is no Redis, as the store of `@fastify/session`. */
export default fp(
  async (app) => {
    const { config, redis, log } = app
    const store = redis.session ? new RedisSessions(redis.session, config.redis.keyPrefix) : new MemorySessions()
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
  // The cookie is as the configuration says, whatever the session began under.
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
      // It ends a little earlier, and the next request tries again.
      log.error({ err: error }, 'a session was not extended; check REDIS_SESSION_URL')
    }
  }

  /** Calls back once; an error that the library throws then must not end the process. */
  function answer<T>(work: Promise<T>, callback: (error: unknown, value?: T) => void): void {
    work
      .then((value) => callback(null, value), callback)
      .catch((err) => log.error({ err }, 'a session could not be used'))
  }

  return {
    get: (id, callback) => answer(get(id), callback),
    set: (id, value, callback) => {
      // The library sets a new session before anybody has signed in to it: it is kept once it has a user.
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
