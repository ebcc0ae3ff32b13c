import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type ConnectionLimits, limitConnections, type RefusedConnection } from './connection-limits.ts'
import { RequestQueue } from './request-queue.ts'
import { pauseUnread } from './unread-answers.ts'

/** More than Node's 16 KiB, so that a long query string reaches validation, which names the parameter. */
export const MAX_HEADER_BYTES = 32 * 1024
/** The head of a request fits into a few packets. */
const HEADERS_TIMEOUT_MS = 10_000
const CONNECTION_IDLE_MS = 72_000
/** How often Node looks for requests that are over their time: so much later they are refused at most. Its own 30 s would double it. */
const TIMEOUT_CHECK_MS = 1000

export interface ServerLimits extends ConnectionLimits {
  /** How long a request may take to arrive, its body too. */
  readonly requestTimeoutMs: number
  /** How long a client may take none of what waits to be sent to it. */
  readonly sendTimeoutMs: number
}

/** Why a client was hung up on, or not let in. */
export type HangUp = RefusedConnection | 'pipelining' | 'not reading'

/** A server with the limits of this service, in whose place Fastify would open one of its own. */
export function createHttpServer(
  listener: RequestListener,
  limits: ServerLimits,
  onHangUp: (reason: HangUp, address: string | undefined) => void
): Server {
  const { requestTimeoutMs, sendTimeoutMs } = limits
  const queues = new WeakMap<Socket, RequestQueue>()
  const onOverflow = ({ remoteAddress }: Socket) => {
    penalize(remoteAddress)
    onHangUp('pipelining', remoteAddress)
  }

  const enqueue: RequestListener = (request, response) => {
    const { socket } = request
    let queue = queues.get(socket)
    if (queue === undefined) {
      queue = new RequestQueue(socket, listener, onOverflow)
      queues.set(socket, queue)
    }
    queue.add(request, response)
  }

  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      // A request without Host is refused by plugins/app/errors.ts, in our shape; Node would answer it with nothing.
      requireHostHeader: false,
      // Node would drop a second line of a header that may come once: two Host lines would pass for one.
      joinDuplicateHeaders: true,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      // A seventh of the CPU of a hit. plugins/app/empty-bodies.ts is its other half.
      optimizeEmptyRequests: true,
      keepAliveTimeout: CONNECTION_IDLE_MS
    },
    enqueue
  )
  const penalize = limitConnections(server, limits, onHangUp)
  pauseUnread(server)

  // Node calls this when nothing has moved on a connection: for `keepAliveTimeout` between two requests, else for `sendTimeoutMs`.
  server.setTimeout(sendTimeoutMs, (socket) => {
    const isUnread = socket.writableLength > 0
    // A request that is still arriving has a deadline of its own, and how long an answer may be in the making is for its handler to say.
    if (!isUnread && socket.timeout === sendTimeoutMs) return
    const { remoteAddress } = socket
    socket.destroy()
    if (isUnread) onHangUp('not reading', remoteAddress)
  })
  // The same for an Expect that is not 100-continue.
  return server.on('checkExpectation', enqueue)
}
