import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { Trace } from '#cache'
import { traceIdOf } from '#http/traceparent.ts'

/** A request that has been answered. */
export interface CompletedRequest {
  readonly requestId: string
  /** The trace of its own span, else the one that its client names. */
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly method: string
  readonly url: string
  /** The pattern of its route; undefined if there is none. */
  readonly route: string | undefined
  readonly beganSession: boolean
  /** The id of the user of the session. */
  readonly user: number | undefined
  readonly status: number
  /** From the start of the request to the end of the answer, in ms. */
  readonly ms: number
  readonly trace: Trace
  /** An event stream, whose duration says nothing about its speed. */
  readonly streamed: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Calls `observe` for every request, once its answer has been sent. */
    onCompleted(observe: (request: CompletedRequest) => void): void
    /** Reports a request, also one answered outside of Fastify's life cycle. */
    completed(request: CompletedRequest): void
  }
}

/**
 * One event for every answered request, from the normal path (`onResponse`) and the front door, for metrics and the
 * log.
 */
export default fp(
  async (app) => {
    const observers: ((request: CompletedRequest) => void)[] = []
    app.decorate('onCompleted', (observe) => {
      observers.push(observe)
    })
    app.decorate('completed', (request) => {
      for (const observe of observers) observe(request)
    })
    app.addHook('onResponse', ({ id, method, url, headers, routeOptions, account, trace, traceIds }, reply, done) => {
      app.completed({
        requestId: id,
        traceId: traceIds?.traceId ?? traceIdOf(headers.traceparent),
        spanId: traceIds?.spanId,
        method,
        url,
        route: routeOptions.url,
        beganSession: routeOptions.config.beginsSession === true && reply.statusCode < 300,
        user: account?.id,
        status: reply.statusCode,
        ms: reply.elapsedTime,
        trace,
        streamed: isStream(reply)
      })
      done()
    })
  },
  { name: 'completed-requests', dependencies: ['identity', 'otel'] }
)

function isStream(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/event-stream')
}
