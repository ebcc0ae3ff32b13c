import { fastifySSE } from '@fastify/sse'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyReply {
    /** Begins the stream of events. The signal aborts when its client has gone. */
    beginStream(): AbortSignal
  }
}

const HEARTBEAT_MS = 15_000

/** Streams of events (Server-Sent Events), with heartbeats. */
export default fp(
  async (app) => {
    app.decorateReply('beginStream', function () {
      const gone = new AbortController()
      this.sse.onClose(() => gone.abort())
      // The head of a stream is written past `onSend`.
      this.setTimingHeaders()
      this.sse.sendHeaders()
      return gone.signal
    })
    await app.register(fastifySSE, { heartbeatInterval: HEARTBEAT_MS })
  },
  { name: 'sse', dependencies: ['timing-headers'] }
)
