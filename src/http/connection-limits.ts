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
/**
 * New connections of one address within a window that begins with the first: a fifth of those that it may have open, and at least so
 * many. A client that connects, asks and hangs up costs a millisecond each time, and those of others wait in the same backlog of the
 * operating system.
 */
const MIN_NEW = 100
const NEW_SHARE = 1 / 5
const NEW_WINDOW_MS = 2000
/** Addresses that are remembered, for either reason. */
const MAX_ADDRESSES = 10_000

export interface ConnectionLimits {
  /** Open connections of this process; 0 is no limit. */
  readonly maxConnections: number
  /** Those of one client; 0 is no limit. */
  readonly maxConnectionsPerAddress: number
  /** What clients are told apart by; null for a trusted proxy, whose connections are those of many clients. */
  readonly addressKey: (address: string | undefined) => string | null
}

export type RefusedConnection = 'process' | 'address' | 'new'

/**
 * Bounds the connections that are open, all of them and those of one client, so that one client cannot take all, and how many new ones
 * a client opens in a while. Those beyond are closed at once. When there are no more for anybody, those on which nothing is under way are closed, and half of those that have not sent a request
 * yet, so that the next one gets in.
 * `onRefused` is called once in ten seconds for each bound, at most. Returns a function that lets an address have few connections for
 * ten seconds.
 */
export function limitConnections(
  server: Server,
  { maxConnections, maxConnectionsPerAddress, addressKey }: ConnectionLimits,
  onRefused: (bound: RefusedConnection, address: string | undefined) => void
): (address: string | undefined) => void {
  const reports = {
    process: new LineLimit(1, REPORT_INTERVAL_MS),
    address: new LineLimit(1, REPORT_INTERVAL_MS),
    new: new LineLimit(1, REPORT_INTERVAL_MS)
  }

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
  const maxNew = Math.max(MIN_NEW, maxConnectionsPerAddress * NEW_SHARE)
  const penalized = new LRUCache<string, true>({ max: MAX_ADDRESSES, ttl: PENALTY_MS })
  const recent = new LRUCache<string, { count: number }>({ max: MAX_ADDRESSES, ttl: NEW_WINDOW_MS })
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
    const bound = count > maxConnectionsPerAddress ? 'address' : countNew(key) > maxNew ? 'new' : null
    if (bound !== null) {
      socket.destroy()
      if (reports[bound].take() !== null) onRefused(bound, remoteAddress)
      return
    }
    open.add(key)
    socket.once('close', () => open.release(key))
  })
  const countNew = (key: string): number => {
    let ofAddress = recent.get(key)
    if (ofAddress === undefined) {
      ofAddress = { count: 0 }
      recent.set(key, ofAddress)
    }
    return ++ofAddress.count
  }
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
