import { Cluster } from 'ioredis'
import type { RedisClient } from './connect.ts'

/** The state of a Redis. `read-only`: it refuses writes. `partial`: a cluster that has lost some of its slots. */
export type RedisState = 'up' | 'read-only' | 'partial' | 'down'

const PROBE_TTL_S = 10
const SLOTS = 16_384
/** The error codes with which Redis refuses writes, and what they mean. Details are in the log of Redis. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['OOM', 'its memory is full'],
  ['MISCONF', 'it cannot save to its disk'],
  ['READONLY', 'it is a replica'],
  ['NOREPLICAS', 'it has too few replicas'],
  ['NOPERM', 'its user has no write permission']
])

/**
 * Tries to write a key under `prefix`, which expires after ten seconds. `reason` is our own wording, without addresses,
 * because it is public. Never rejects.
 */
export async function stateOf(client: RedisClient, prefix: string): Promise<{ state: RedisState; reason?: string }> {
  try {
    await client.set(`${prefix}:board:probe`, '', 'EX', PROBE_TTL_S)
    const lost = client instanceof Cluster ? SLOTS - slotsServed(await client.cluster('INFO')) : 0
    return lost > 0 ? { state: 'partial', reason: `${lost} of its ${SLOTS} slots have no master` } : { state: 'up' }
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    const refusal = REFUSALS.get(message.split(' ', 1)[0] ?? '')
    if (refusal !== undefined) return { state: 'read-only', reason: `refuses writes: ${refusal}` }
    if (message.startsWith('CLUSTERDOWN')) return { state: 'partial', reason: 'some of its slots have no master' }
    return { state: 'down' }
  }
}

function slotsServed(info: string): number {
  return Number(/^cluster_slots_ok:(\d+)/m.exec(info)?.[1] ?? SLOTS)
}
