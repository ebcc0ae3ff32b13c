import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis } from 'ioredis'
import { parseRedisUrl, type RedisAddress } from './address.ts'
import { keepConnected } from './watchdog.ts'

/** One Redis, whichever server is its master at the moment, or a cluster of them. */
export type RedisClient = Redis | Cluster

const COMMAND_TIMEOUT_MS = 250
const CONNECT_TIMEOUT_MS = 2000
const MAX_RECONNECT_DELAY_MS = 250
/** How often a Redis that is still loading its data is asked whether it is ready. */
const LOADING_RETRY_MS = 100
/** How often a cluster is asked who has which slots, beside whenever a node says that it moved. */
const SLOTS_REFRESH_MS = 5000
const MAX_REDIRECTIONS = 5
/** A server that takes commands and answers none for so long has its connection closed: another may have taken over. */
const SOCKET_TIMEOUT_MS = 1500
/** A sentinel that does not answer for so long is passed over. */
const SENTINEL_TIMEOUT_MS = 500
const SLOTS = 16_384

/**
 * A client for the Redis of a URL (`address.ts`). It reconnects until `closeRedis` (`watchdog.ts`), answers each command within
 * `commandTimeoutMs` (250 ms) or fails it, and queues nothing while disconnected: the caller degrades at once instead of waiting. Throws for a URL
 * that is none, and `UnreadableFileError`.
 */
export function connectRedis(url: string, commandTimeoutMs = COMMAND_TIMEOUT_MS): RedisClient {
  return keepConnected(clientOf(url, commandTimeoutMs))
}

function clientOf(url: string, commandTimeout: number): RedisClient {
  const address = parseRedisUrl(url)
  if (address === null) throw new RangeError('not a URL of a Redis')
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
      // A certificate is of a name, not of what it resolves to.
      ...(tls && {
        dnsLookup: (address: string, found: (error: null, address: string) => void) => found(null, address)
      }),
      // What fails, fails at once, as with one server.
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
      // Told of a new master by the sentinels, also while the old one still answers.
      failoverDetector: true
    })
  }
  const [host] = hosts
  return new Redis({ ...alone, ...host })
}

/** Another connection of the same kind: for one that subscribes. `closeRedis` ends it. */
export function duplicateOf(client: RedisClient): RedisClient {
  return keepConnected(client instanceof Cluster ? client.duplicate() : client.duplicate())
}

/**
 * Calls back when what was written may have got lost: the connection was closed, or another server has taken over, which
 * may lack what the last one took.
 */
export function onInterruption(client: RedisClient, interrupted: (reason: Error) => void): void {
  client.on('close', () => interrupted(new Error('the connection to Redis was closed')))
  if (!(client instanceof Cluster)) return
  // Of a cluster only the loss of all nodes is a close.
  client.on('-node', () => interrupted(new Error('a node of the Redis cluster was lost')))
  client.on('moved', () => interrupted(new Error('slots of the Redis cluster have another master')))
  let masters = ''
  client.on('refresh', () => {
    const before = masters
    masters = mastersBySlot(client)
    if (before !== '' && before !== masters) interrupted(new Error('slots of the Redis cluster have another master'))
  })
}

/** A cluster that tells of a MOVED before the command is sent on: what the new master answers may be old. */
class WatchedCluster extends Cluster {
  override handleError(...[error, ...more]: Parameters<Cluster['handleError']>): void {
    if (error.message.startsWith('MOVED')) this.emit('moved')
    super.handleError(error, ...more)
  }
}

/**
 * The servers that have all keys between them, as the servers say at this moment, and who has which slots. Throws where a slot has no
 * master, and where the cluster cannot be asked.
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

/** Who has which slots: where a master and its replica have changed places, no node has come or gone. */
function mastersBySlot({ slots }: Cluster): string {
  const ranges: string[] = []
  for (let slot = 0; slot < SLOTS; slot++) {
    const master = slots[slot]?.[0] ?? 'nobody'
    if (slot === 0 || master !== slots[slot - 1]?.[0]) ranges.push(`${slot} ${master}`)
  }
  return ranges.join()
}

/** The servers that have keys of their own: the masters of a cluster, or the one. */
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

/** A URL names a file of certificates or keys that this process cannot read. */
export class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError'

  constructor(path: string) {
    super(`REDIS_URL names ${path}, a file that cannot be read`)
  }
}
