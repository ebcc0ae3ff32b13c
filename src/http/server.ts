import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type ConnectionLimits, limitConnections, type RefusedConnection } from './connection-limits.ts'
import { RequestQueue } from './request-queue.ts'
import { pauseUnread } from './unread-answers.ts'

/** More than Node's 16 KiB, so that a long query string reaches validation, which names the parameter. */
export const MAX_HEADER_BYTES = 32 * 1024
/** The headers of a request fit into a few packets. */
const HEADERS_TIMEOUT_MS = 10_000
const CONNECTION_IDLE_MS = 72_000
/**
 * How often Node looks for requests past their timeout, so refusals are at most this late. Node's default of 30 s would
 * double the timeout.
 */
const TIMEOUT_CHECK_MS = 1000

export interface ServerLimits extends ConnectionLimits {
  /** How long a request may take to arrive, including its body. */
  readonly requestTimeoutMs: number
  /** How long a client may go without reading any of its pending answer. */
  readonly sendTimeoutMs: number
}

/** Why a connection was closed or refused. */
export type HangUp = RefusedConnection | 'pipelining' | 'not reading'

/** A server with the limits of this service, in place of Fastify's own. */
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
      // plugins/app/errors.ts refuses a request without Host, with a body; Node would answer without one.
      requireHostHeader: false,
      // Node would drop a repeated header that may occur only once, and two Host headers would pass as one.
      joinDuplicateHeaders: true,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      // Saves a seventh of the CPU time of a hit. plugins/app/empty-bodies.ts is the other half of it.
      optimizeEmptyRequests: true,
      keepAliveTimeout: CONNECTION_IDLE_MS
    },
    enqueue
  )
  const penalize = limitConnections(server, limits, onHangUp)
  pauseUnread(server)

  // Node calls this after a time without traffic on a connection: `keepAliveTimeout` between two requests, else
  // `sendTimeoutMs`.
  server.setTimeout(sendTimeoutMs, (socket) => {
    const isUnread = socket.writableLength > 0
    // A request that is still arriving has its own deadline, and the handler decides how long an answer may take.
    if (!isUnread && socket.timeout === sendTimeoutMs) return
    const { remoteAddress } = socket
    socket.destroy()
    if (isUnread) onHangUp('not reading', remoteAddress)
  })
  // Requests with an Expect other than 100-continue go the same way.
  return server.on('checkExpectation', enqueue)
}
