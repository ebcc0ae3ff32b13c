import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { LRUCache } from 'lru-cache'
import { Holdings } from '#bounds/holdings.ts'
import { LineLimit } from '#bounds/line-limit.ts'

/** How often a refusal of connections is reported, and idle ones are closed for new ones, at most. */
const REPORT_INTERVAL_MS = 10_000
const CLOSE_IDLE_INTERVAL_MS = 1000
/** How long the address of a client that flooded a connection gets few new ones: each flood costs some 20 ms of processor time. */
const PENALTY_MS = 10_000
const MAX_OF_PENALIZED = 4
const MAX_PENALTIES = 10_000

export interface ConnectionLimits {
  /** Open connections of this process; 0 is no limit. */
  readonly maxConnections: number
  /** Those of one client; 0 is no limit. */
  readonly maxConnectionsPerAddress: number
  /** What clients are told apart by; null for a trusted proxy, whose connections are those of many clients. */
  readonly addressKey: (address: string | undefined) => string | null
}

export type RefusedConnection = 'process' | 'address'

/**
 * Bounds the connections that are open, all of them and those of one client, so that one client cannot take all. Those beyond are
 * closed at once. When there are no more for anybody, those on which nothing is under way are closed, and half of those that have not sent a request
 * yet, so that the next one gets in.
 * `onRefused` is called once in ten seconds for each bound, at most. Returns a function that lets an address have few connections for
 * ten seconds.
 */
export function limitConnections(
  server: Server,
  { maxConnections, maxConnectionsPerAddress, addressKey }: ConnectionLimits,
  onRefused: (bound: RefusedConnection, address: string | undefined) => void
): (address: string | undefined) => void {
  const reports = { process: new LineLimit(1, REPORT_INTERVAL_MS), address: new LineLimit(1, REPORT_INTERVAL_MS) }

  if (maxConnections > 0) {
    server.maxConnections = maxConnections
    let closedIdleAt = Number.NEGATIVE_INFINITY
    const silent = silentConnections(server)
    server.on('drop', (refused) => {
      const now = performance.now()
      if (now - closedIdleAt >= CLOSE_IDLE_INTERVAL_MS) {
        closedIdleAt = now
        server.closeIdleConnections()
        closeOldest(silent)
      }
      if (reports.process.take() !== null) onRefused('process', refused?.remoteAddress)
    })
  }

  if (maxConnectionsPerAddress === 0) return () => {}
  const penalized = new LRUCache<string, true>({ max: MAX_PENALTIES, ttl: PENALTY_MS })
  const open = new Holdings<string>()
  server.on('connection', (socket) => {
    const { remoteAddress } = socket
    const key = addressKey(remoteAddress)
    if (key === null) return
    const count = open.of(key) + 1
    // Others may be behind the same address.
    if (penalized.has(key) && count > MAX_OF_PENALIZED) {
      socket.destroy()
      return
    }
    if (count > maxConnectionsPerAddress) {
      socket.destroy()
      if (reports.address.take() !== null) onRefused('address', remoteAddress)
      return
    }
    open.add(key)
    socket.once('close', () => open.release(key))
  })
  return (address) => {
    const key = addressKey(address)
    if (key !== null) penalized.set(key, true)
  }
}

/** Those that have not sent one whole head of a request yet, the oldest first. */
function silentConnections(server: Server): Set<Socket> {
  const silent = new Set<Socket>()
  server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }) => silent.delete(socket))
  return silent
}

/** The older half: whoever fills the process with them holds the most of the oldest. */
function closeOldest(connections: Set<Socket>): void {
  for (const socket of [...connections].slice(0, Math.ceil(connections.size / 2))) socket.destroy()
}
