import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Trace } from '#cache'

/** What there is to tell of an answer. */
export interface Answered {
  readonly requestId: string
  readonly method: string
  readonly url: string
  readonly route: FastifyRequest['routeOptions']
  /** Who was signed in. */
  readonly user: number | undefined
  readonly status: number
  /** From the request to the end of its answer, in milliseconds. */
  readonly ms: number
  readonly trace: Trace
  /** A stream is as long as what it tells of. */
  readonly streamed: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /** `observe` is told of every answer once it has been sent. */
    onAnswered(observe: (answer: Answered) => void): void
    /** Tells the observers; for what answers without the hooks of Fastify. */
    tellAnswered(answer: Answered): void
  }
}

/** Tells those who count and log answers of each of them. */
export default fp(
  async (app) => {
    const observers: ((answer: Answered) => void)[] = []
    app.decorate('onAnswered', (observe) => {
      observers.push(observe)
    })
    app.decorate('tellAnswered', (answer) => {
      for (const observe of observers) observe(answer)
    })
    app.addHook('onResponse', (request, reply, done) => {
      const { id, method, url, routeOptions, account, trace } = request
      app.tellAnswered({
        requestId: id,
        method,
        url,
        route: routeOptions,
        user: account?.id,
        status: reply.statusCode,
        ms: reply.elapsedTime,
        trace,
        streamed: isStream(reply)
      })
      done()
    })
  },
  { name: 'answered', dependencies: ['request-trace', 'identity'] }
)

function isStream(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/event-stream')
}
