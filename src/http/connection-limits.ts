import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { LRUCache } from 'lru-cache'
import { Holdings } from '#bounds/holdings.ts'
import { LineLimit } from '#bounds/line-limit.ts'

/** The shortest interval between reports of refused connections, and between closings of idle ones to make room. */
const REPORT_INTERVAL_MS = 10_000
const CLOSE_IDLE_INTERVAL_MS = 1000
/**
 * How long the address of a client that flooded a connection gets only a few new ones: each flood costs about 20 ms of
 * CPU time.
 */
const PENALTY_MS = 10_000
const MAX_OF_PENALIZED = 4
/**
 * New connections of one address within a window that starts with the first one: a fifth of the number that it may have
 * open, but at least this many. A client that connects, sends a request and hangs up costs a millisecond each time, and
 * the connections of others wait in the same backlog of the operating system.
 */
const MIN_NEW = 100
const NEW_SHARE = 1 / 5
const NEW_WINDOW_MS = 2000
/** Addresses remembered for either reason. */
const MAX_ADDRESSES = 10_000

export interface ConnectionLimits {
  /** Open connections of this process; 0 means no limit. */
  readonly maxConnections: number
  /** Open connections of one client; 0 means no limit. */
  readonly maxConnectionsPerAddress: number
  /** The key that identifies a client; null for a trusted proxy, whose connections belong to many clients. */
  readonly addressKey: (address: string | undefined) => string | null
}

export type RefusedConnection = 'process' | 'address' | 'new'

/**
 * Bounds the open connections, in total and per client, and the new connections of a client in a time window, so that
 * one client cannot take them all. Connections above a bound are closed at once. When the process has reached its
 * bound, it closes idle connections and the older half of those that have not sent a request yet, to make room for new
 * ones. `onRefused` is called at most once every ten seconds for each bound. Returns a function that penalizes an
 * address: for ten seconds it may have only a few connections.
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
    // Not zero, because other clients may share the address.
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

/** The connections that have not sent the complete headers of a request yet, oldest first. */
function silentConnections(server: Server): Set<Socket> {
  const silent = new Set<Socket>()
  server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }) => silent.delete(socket))
  return silent
}

/** Closes the older half: a client that fills the process with silent connections holds most of those. */
function closeOldest(connections: Set<Socket>): void {
  for (const socket of [...connections].slice(0, Math.ceil(connections.size / 2))) socket.destroy()
}
