import { Redis } from 'ioredis'

const COMMAND_TIMEOUT_MS = 250
const CONNECT_TIMEOUT_MS = 2000
const MAX_RECONNECT_DELAY_MS = 250
/** How often a Redis that is still loading its data is asked whether it is ready. */
const LOADING_RETRY_MS = 100

/**
 * A client for one Redis. It reconnects for ever, answers each command within 250 ms or fails it, and queues
 * nothing while disconnected: the caller degrades at once instead of waiting.
 */
export function connectRedis(url: string): Redis {
  return new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: LOADING_RETRY_MS,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS)
  })
}
