import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route is for operators, and is answered under any load. */
    operator?: boolean
  }
}

const SETTLING_MS = 3000

/** Load shedding: while the event loop lags, requests are refused with 503 before they cost anything. */
export default fp(
  async (app) => {
    let settledAt = Number.POSITIVE_INFINITY
    app.addHook('onListen', async () => {
      settledAt = performance.now() + SETTLING_MS
    })
    await app.register(underPressure, {
      maxEventLoopDelay: app.config.server.maxEventLoopDelayMs,
      pressureHandler: async ({ routeOptions }) => {
        // Operators must see an overload: health and metrics are always answered.
        if (routeOptions.config.operator === true) return
        // Starting up blocks the event loop, which is not a sign of load.
        if (performance.now() < settledAt) return
        throw new ApiError(503, 'OVERLOADED', 'the service is overloaded', { 'Retry-After': '2' })
      }
    })
  },
  { name: 'under-pressure' }
)
