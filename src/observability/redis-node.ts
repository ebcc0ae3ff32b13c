import type { Redis } from 'ioredis'
import type { RedisNode, SlowCommand } from './shapes.ts'

const SLOW_COMMANDS = 10

/** The state of a Redis server, by INFO. */
export async function describeNode(redis: Redis): Promise<RedisNode> {
  const info = parseInfo(await redis.info())
  const number = (field: string) => Number(info.get(field) ?? 0)
  const text = (field: string) => info.get(field) ?? 'unknown'
  const keyspaces = [...info].filter(([field]) => /^db\d+$/.test(field))
  const { remoteAddress, remotePort } = redis.stream
  return {
    address: `${remoteAddress}:${remotePort}`,
    version: text('redis_version'),
    role: text('role'),
    uptimeS: number('uptime_in_seconds'),
    usedBytes: number('used_memory'),
    maxBytes: number('maxmemory'),
    evictionPolicy: text('maxmemory_policy'),
    evictedKeys: number('evicted_keys'),
    expiredKeys: number('expired_keys'),
    opsPerSecond: number('instantaneous_ops_per_sec'),
    clients: number('connected_clients'),
    keys: keyspaces.reduce((sum, [, value]) => sum + Number(/keys=(\d+)/.exec(value)?.[1] ?? 0), 0)
  }
}

/** The slow log of a Redis server: names of commands and kinds of keys, but no values. */
export async function slowCommands(redis: Redis): Promise<SlowCommand[]> {
  const entries: unknown = await redis.slowlog('GET', SLOW_COMMANDS)
  if (!Array.isArray(entries)) return []
  return entries.filter(isSlow).map(([, at, micros, [name = '', key]]) => ({
    at: new Date(at * 1000).toISOString(),
    ms: micros / 1000,
    command: KEYED.test(name) && key !== undefined ? `${name} ${kindOf(key)}` : name
  }))
}

/** Commands whose first argument is a key. */
const KEYED =
  /^(get|set|del|unlink|p?ttl|p?expire|exists|incr|h\w+|z\w+|s(add|rem|card|members)|[lr](push|pop|range|len))$/i

/** The beginning of a key, such as `aikademiya:course:…`; the rest may identify a session. */
function kindOf(key: string): string {
  const words = key.split(':')
  return words.length > 2 ? `${words.slice(0, 2).join(':')}:…` : (words[0] ?? '')
}

type SlowEntry = [id: number, atS: number, micros: number, words: string[], ...unknown[]]

function isSlow(entry: unknown): entry is SlowEntry {
  return Array.isArray(entry) && typeof entry[1] === 'number' && typeof entry[2] === 'number' && Array.isArray(entry[3])
}

function parseInfo(text: string): Map<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}
