import { createServer, type RequestListener, type Server } from 'node:http'

/** More than Node's 16 KiB, so that a long query string reaches validation, which names the parameter. */
export const MAX_HEADER_BYTES = 32 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const CONNECTION_IDLE_MS = 72_000
/** How often Node looks for requests that are over their time; its own 30 s would double it. */
const TIMEOUT_CHECK_MS = 5000

/** A server with the limits of this service, in whose place Fastify would open one of its own. */
export function createHttpServer(listener: RequestListener): Server {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      // A request without Host is refused by plugins/app/errors.ts, in our shape; Node would answer it with nothing.
      requireHostHeader: false,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: CONNECTION_IDLE_MS,
      // A request without a body needs no stream of one: four microseconds a request.
      optimizeEmptyRequests: true
    },
    listener
  )
  // The same for an Expect that is not 100-continue.
  return server.on('checkExpectation', listener)
}
