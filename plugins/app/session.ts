import cookie from '@fastify/cookie'
import session, { type SessionStore as SessionStoreOfLibrary } from '@fastify/session'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'
import { createCookieSigner } from '#sessions/cookie-signer.ts'
import { formatSession, mayCarrySession, parseSession, SESSION_COOKIE } from '#sessions/session-record.ts'
import { MemorySessions, RedisSessions, type SessionStore } from '#sessions/session-store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** For a route that writes and then begins a session: throws 503 while none can be kept, so that nothing is half done. */
    requireSessions(): Promise<void>
  }
  interface Session {
    userId?: number
    epoch?: number
    /** When it began; equal to `renewedAt` until it is prolonged. In ms since 1970, both. */
    begunAt?: number
    renewedAt?: number
  }
  interface FastifyContextConfig {
    /** The route begins sessions: it needs one even where no cookie came. */
    beginsSession?: boolean
  }
}

/**
 * Sessions, for requests that carry the cookie and for routes that begin one. Anybody else passes by: the library would
 * make a session object, sign it and throw it away for each of them.
 */
export default fp(
  async (app) => {
    const { config, redis } = app
    const store =
      redis.session === null ? new MemorySessions() : new RedisSessions(redis.session, config.redis.keyPrefix)
    const { ttlMs, secrets } = config.session
    app.decorate('requireSessions', () =>
      store.ready().catch((error) => {
        throw unavailable(error)
      })
    )
    await app.register(cookie)

    const { onRequest, onSend } = await app.hooksOf(session, {
      secret: createCookieSigner(secrets),
      cookieName: SESSION_COOKIE,
      // With 'auto' the cookie is Secure where the request came over TLS, by the word of a trusted proxy too.
      cookie: { httpOnly: true, sameSite: 'lax', secure: config.production ? true : 'auto', path: '/', maxAge: ttlMs },
      store: adapt(store, ttlMs, app.log),
      saveUninitialized: false,
      // Every request would write; plugins/identity.ts prolongs a session once half of its time is over.
      rolling: false
    })
    if (!onRequest || !onSend) throw new Error('@fastify/session adds other hooks than it did')
    const concerned = (request: FastifyRequest) =>
      mayCarrySession(request.headers.cookie) || request.route.config.beginsSession === true

    app.addHook('onRequest', function (request, reply, done) {
      if (!concerned(request)) return done()
      onRequest.call(this, request, reply, (error) => {
        if (error && isPublicRead(request)) {
          request.log.error(
            { err: error },
            'sessions cannot be read: answered as to a visitor; check REDIS_SESSION_URL'
          )
          Reflect.deleteProperty(request, 'session')
          done()
        } else done(error)
      })
    })
    app.addHook('onSend', function (request, reply, payload, done) {
      if (!request.session) return done(null, payload)
      onSend.call(this, request, reply, payload, (error?: Error | null) => {
        sendOneCookie(reply)
        // No shared cache may keep a cookie, whatever the route says of its answer.
        if (reply.hasHeader('set-cookie')) reply.header('Cache-Control', 'private, no-store')
        // `signIn` has saved what began: here a session is prolonged at most, and that may wait.
        if (error) request.log.error({ err: error }, 'a session was not prolonged')
        done(null, payload)
      })
    })
  },
  { name: 'session', dependencies: ['redis', 'errors', 'response-head', 'library-hooks'] }
)

/**
 * A public read is answered as to a visitor while sessions cannot be read. A public write, as a login or a logout, changes the session: it
 * fails instead.
 */
export function isPublicRead({ method, route }: FastifyRequest): boolean {
  return route.config.public === true && (method === 'GET' || method === 'HEAD')
}

/** The library clears the cookie of the session before, then sets the new one: only the last of them is meant. */
function sendOneCookie(reply: FastifyReply): void {
  const cookies = reply.getHeader('set-cookie')
  if (!Array.isArray(cookies)) return
  const isOurs = (cookie: string) => cookie.startsWith(`${SESSION_COOKIE}=`)
  const last = cookies.findLast(isOurs)
  reply.removeHeader('set-cookie').header(
    'set-cookie',
    cookies.filter((cookie) => !isOurs(cookie) || cookie === last)
  )
}

function unavailable(cause: unknown): ApiError {
  return new ApiError(503, 'SESSIONS_DOWN', 'sessions cannot be read at the moment', { 'Retry-After': '5' }, { cause })
}

/** The store as the library takes it. A store that fails is 503: who is signed in cannot be told. */
function adapt(store: SessionStore, ttlMs: number, log: FastifyBaseLogger): SessionStoreOfLibrary {
  /** Calls back once; what the library throws then is nobody's to catch, and must not end the process. */
  function answer<T>(work: Promise<T>, callback: (error: unknown, value?: T) => void): void {
    work
      .then(
        (value) => callback(null, value),
        (error) => callback(unavailable(error))
      )
      .catch((err) => log.error({ err }, 'a session could not be used: the library refused it'))
  }
  return {
    get: (id, callback) => {
      const read = async () => {
        const text = await store.get(id)
        const session = text === null ? null : parseSession(text)
        // The cookie is as the configuration says, whatever the session began under.
        return session && { ...session, cookie: { originalMaxAge: ttlMs } }
      }
      answer(read(), callback)
    },
    set: (id, value, callback) => {
      const text = formatSession(value)
      const keep = async () => {
        // The library sets a new session before anybody has signed in to it: it is kept once it has a user.
        if (text === null) return
        if (value.begunAt === value.renewedAt) await store.begin(id, text, ttlMs)
        else await store.prolong(id, text, ttlMs)
      }
      answer(keep(), callback)
    },
    destroy: (id, callback) => answer(store.delete(id), callback)
  }
}
