import { fastifySSE } from '@fastify/sse'
import fp from 'fastify-plugin'

export const HEARTBEAT_MS = 5000

/** Event streams (Server-Sent Events), with heartbeats. */
export default fp(
  async (app) => {
    await app.register(fastifySSE, { heartbeatInterval: HEARTBEAT_MS })
  },
  { name: 'sse' }
)
