import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis } from 'ioredis'
import { parseRedisUrl, type RedisAddress } from './address.ts'
import { keepConnected } from './watchdog.ts'

/** A client of one Redis (whichever server is the master at the moment), or of a cluster. */
export type RedisClient = Redis | Cluster

const COMMAND_TIMEOUT_MS = 250
const CONNECT_TIMEOUT_MS = 2000
const MAX_RECONNECT_DELAY_MS = 250
/** How often a Redis that is loading its data is asked whether it is ready. */
const LOADING_RETRY_MS = 100
/** How often a cluster is asked which node has which slots; it is also asked after each MOVED. */
const SLOTS_REFRESH_MS = 5000
const MAX_REDIRECTIONS = 5
/** How long a server may leave all commands unanswered before its connection is closed: another may have taken over. */
const SOCKET_TIMEOUT_MS = 1500
/** How long a sentinel may take to answer before the next one is asked. */
const SENTINEL_TIMEOUT_MS = 500
const SLOTS = 16_384

/**
 * A client for the Redis at a URL (`address.ts`). It reconnects until `closeRedis` is called (`watchdog.ts`). A command
 * fails after `commandTimeoutMs` (250 ms), and at once while disconnected, so that callers can degrade instead of
 * waiting. Throws `RangeError` for an invalid URL, and `UnreadableFileError`.
 */
export function connectRedis(url: string, commandTimeoutMs = COMMAND_TIMEOUT_MS): RedisClient {
  return keepConnected(clientOf(url, commandTimeoutMs))
}

function clientOf(url: string, commandTimeout: number): RedisClient {
  const address = parseRedisUrl(url)
  if (address === null) throw new RangeError('invalid Redis URL')
  const { kind, hosts, username, password, db, master, sentinelPassword } = address
  const tls = tlsOf(address)
  const retry = (attempt: number) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS)
  const common = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    commandTimeout,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: LOADING_RETRY_MS,
    autoResendUnfulfilledCommands: false,
    ...(tls && { tls })
  }
  const alone = { ...common, db, enableAutoPipelining: true, enableOfflineQueue: false, retryStrategy: retry }
  if (kind === 'cluster') {
    return new WatchedCluster([...hosts], {
      redisOptions: common,
      enableAutoPipelining: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: retry,
      slotsRefreshInterval: SLOTS_REFRESH_MS,
      maxRedirections: MAX_REDIRECTIONS,
      // Do not resolve host names: a certificate is issued for a name, not for an IP address.
      ...(tls && {
        dnsLookup: (address: string, found: (error: null, address: string) => void) => found(null, address)
      }),
      // Commands fail at once, as with a single server.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0
    })
  }
  if (kind === 'sentinel') {
    return new Redis({
      ...alone,
      sentinels: [...hosts],
      name: master ?? '',
      ...(sentinelPassword !== undefined && { sentinelPassword }),
      ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
      sentinelRetryStrategy: retry,
      sentinelReconnectStrategy: retry,
      sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
      // The sentinels report a new master even while the old one still answers.
      failoverDetector: true
    })
  }
  const [host] = hosts
  return new Redis({ ...alone, ...host })
}

/** Another client with the same options, for subscribing. Close it with `closeRedis`. */
export function duplicateOf(client: RedisClient): RedisClient {
  return keepConnected(client instanceof Cluster ? client.duplicate() : client.duplicate())
}

/**
 * Calls back when acknowledged writes may have been lost: the connection was closed, or another server has taken over,
 * which may lack the last writes of the old one.
 */
export function onInterruption(client: RedisClient, interrupted: (reason: Error) => void): void {
  client.on('close', () => interrupted(new Error('the connection to Redis was closed')))
  if (!(client instanceof Cluster)) return
  // A cluster only emits `close` when all nodes are lost.
  client.on('-node', () => interrupted(new Error('a node of the Redis cluster was lost')))
  client.on('moved', () => interrupted(new Error('slots of the Redis cluster have another master')))
  let masters = ''
  client.on('refresh', () => {
    const before = masters
    masters = mastersBySlot(client)
    if (before !== '' && before !== masters) interrupted(new Error('slots of the Redis cluster have another master'))
  })
}

/**
 * A cluster client that emits `moved` before it redirects a command after MOVED: the new master's answer may be stale.
 */
class WatchedCluster extends Cluster {
  override handleError(...[error, ...more]: Parameters<Cluster['handleError']>): void {
    if (error.message.startsWith('MOVED')) this.emit('moved')
    super.handleError(error, ...more)
  }
}

/**
 * The masters, which together have all keys, and a text that describes which of them has which slots; freshly read from
 * the cluster. Throws if a slot has no master, or if the cluster does not answer.
 */
export async function allMasters(client: RedisClient): Promise<{ masters: Redis[]; layout: string }> {
  if (!(client instanceof Cluster)) return { masters: [client], layout: '' }
  await new Promise<void>((resolve, reject) => {
    client.refreshSlotsCache((error) => (error ? reject(error) : resolve()))
  })
  const masters = mastersOf(client)
  const names = new Set(masters.map(({ options }) => `${options.host}:${options.port}`))
  for (let slot = 0; slot < SLOTS; slot++) {
    if (!names.has(client.slots[slot]?.[0] ?? '')) throw new Error(`slot ${slot} of the cluster has no master`)
  }
  return { masters, layout: mastersBySlot(client) }
}

/**
 * Which master has which slots, as a text to compare: when a master and its replica swap roles, no node is added or
 * lost.
 */
function mastersBySlot({ slots }: Cluster): string {
  const ranges: string[] = []
  for (let slot = 0; slot < SLOTS; slot++) {
    const master = slots[slot]?.[0] ?? 'nobody'
    if (slot === 0 || master !== slots[slot - 1]?.[0]) ranges.push(`${slot} ${master}`)
  }
  return ranges.join()
}

/** The masters of a cluster, or the only server. */
export function mastersOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client]
}

function tlsOf({ tls }: RedisAddress): ConnectionOptions | null {
  if (tls === null) return null
  const read = (path: string) => {
    try {
      return readFileSync(path)
    } catch {
      throw new UnreadableFileError(path)
    }
  }
  return Object.fromEntries(Object.entries(tls).map(([name, path]) => [name, read(path)]))
}

/** A Redis URL refers to a certificate or key file that this process cannot read. */
export class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError'

  constructor(path: string) {
    super(`REDIS_URL refers to ${path}, a file that cannot be read`)
  }
}
