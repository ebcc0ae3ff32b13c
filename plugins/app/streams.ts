import type { SSEMessage } from '@fastify/sse'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'
import { Places } from '#limits/places.ts'
import { HEARTBEAT_MS } from '../external/sse.ts'
import { refusalOf } from './access.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The streams of events that are open in this process. */
    readonly streams: Pick<Places, 'taken'>
  }
  interface FastifyReply {
    /** Begins a stream of events. Throws 429 or 503 where there are too many. */
    beginStream(): EventStream
  }
}

export interface EventStream {
  /** Aborts when the stream has ended: its client has gone, or may not have it any more. */
  readonly over: AbortSignal
  /** Sends an event, unless its client may not have it any more: the stream has ended then. Resolves once there is room for the next one. */
  send(event: SSEMessage): Promise<void>
}

const RETRY_AFTER_S = 15
const sessionsDown = new ApiError(503, 'SESSIONS_DOWN', 'sessions cannot be read at the moment')

/**
 * Streams of events. A stream outlives the request that was authorized, so each event looks again at who it is for, and so
 * does a timer with each heartbeat: a session that has ended, by whichever process, ends its streams.
 */
export default fp(
  async (app) => {
    const { max, maxPerUser: maxPerHolder } = app.config.streams
    const places = new Places({
      what: 'streams of events',
      code: 'TOO_MANY_STREAMS',
      max,
      maxPerHolder,
      retryAfterS: RETRY_AFTER_S
    })
    app.decorate('streams', places)

    app.decorateReply('beginStream', function () {
      // The client may have hung up while the route looked for what it wants: nothing tells of that any more.
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

      /** Why the client may not have the stream any more. While that cannot be told, what was confirmed a heartbeat ago is good. */
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
            'a stream of events ended: its session cannot be read; check REDIS_SESSION_URL'
          )
          return error instanceof ApiError ? error : sessionsDown
        }
      }

      const end = ({ code, message }: ApiError): void => {
        if (over.signal.aborted) return
        // Not waited for: a client that does not read is hung up on.
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
        // The head of a stream is written past `onSend`.
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
