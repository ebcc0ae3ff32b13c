import { Redis } from 'ioredis'

const COMMAND_TIMEOUT_MS = 250
const CONNECT_TIMEOUT_MS = 2000
const MAX_RECONNECT_DELAY_MS = 1000

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
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS)
  })
}
