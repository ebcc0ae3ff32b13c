import type { SSEMessage } from '@fastify/sse'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'
import { Places } from '#limits/places.ts'
import { HEARTBEAT_MS } from '../external/sse.ts'
import { refusalOf } from './access.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The open event streams of this process. */
    readonly streams: Pick<Places, 'taken'>
  }
  interface FastifyReply {
    /** Begins an event stream. Throws 429 or 503 if there are too many. */
    beginStream(): EventStream
  }
}

export interface EventStream {
  /** Aborts when the stream has ended: the client is gone, or no longer authorized. */
  readonly over: AbortSignal
  /**
   * Sends an event, or ends the stream if the client is no longer authorized. Resolves once there is room for the next
   * event.
   */
  send(event: SSEMessage): Promise<void>
}

const RETRY_AFTER_S = 15
const sessionsDown = new ApiError(503, 'SESSIONS_DOWN', 'sessions cannot be read at the moment')

/**
 * Event streams. A stream outlives the authorization of its request, so the client is identified again before each
 * event and with each heartbeat: when a session ends, in whatever process, its streams end as well.
 */
export default fp(
  async (app) => {
    const { max, maxPerUser: maxPerHolder } = app.config.streams
    const places = new Places({
      what: 'event streams',
      code: 'TOO_MANY_STREAMS',
      max,
      maxPerHolder,
      retryAfterS: RETRY_AFTER_S
    })
    app.decorate('streams', places)

    app.decorateReply('beginStream', function () {
      // The client may have hung up while the route was working, and that event would not fire again.
      const isGone = this.request.socket.destroyed || !this.sse.isConnected
      if (!isGone) this.raw.once('close', places.take(holderOf(this.request)))
      return begin(this, isGone)
    })

    const holderOf = (request: FastifyRequest) =>
      request.account === null && app.hasAdminLink(request) ? 'admin link' : request.signedIn().id

    function begin(reply: FastifyReply, isGone: boolean): EventStream {
      const { request, sse, raw } = reply
      const over = new AbortController()
      let confirmedAt = performance.now()

      /**
       * Why the client is no longer authorized. While that cannot be checked, a confirmation within the last heartbeat
       * is enough.
       */
      const refusal = async (): Promise<ApiError | null> => {
        if (app.hasAdminLink(request)) return null
        try {
          const refused = refusalOf(await app.identifyAgain(request), request.routeOptions.config)
          if (refused === null) confirmedAt = performance.now()
          return refused
        } catch (error) {
          if (performance.now() - confirmedAt < HEARTBEAT_MS) return null
          request.log.warn(
            { err: error },
            'an event stream ended because its session cannot be read; check REDIS_SESSION_URL'
          )
          return error instanceof ApiError ? error : sessionsDown
        }
      }

      const end = ({ code, message }: ApiError): void => {
        if (over.signal.aborted) return
        // Not awaited: a client that does not read is disconnected below.
        sse.send({ event: 'ended', data: { code, message } }).catch(() => {})
        over.abort()
        sse.close()
        setTimeout(() => raw.destroy(), HEARTBEAT_MS).unref()
      }

      if (isGone) over.abort()
      else {
        const timer = setInterval(async () => {
          const refused = await refusal()
          if (refused !== null) end(refused)
        }, HEARTBEAT_MS).unref()
        sse.onClose(() => {
          clearInterval(timer)
          over.abort()
        })
        // The headers of a stream bypass `onSend`.
        reply.setTimingHeaders()
        sse.sendHeaders()
      }
      return {
        over: over.signal,
        send: async (event) => {
          const refused = await refusal()
          if (refused !== null) end(refused)
          if (!over.signal.aborted) await sse.send(event)
        }
      }
    }
  },
  { name: 'streams', dependencies: ['sse', 'admin-link', 'identity', 'access', 'timing-headers'] }
)
