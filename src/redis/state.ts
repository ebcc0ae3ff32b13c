import { Cluster } from 'ioredis'
import type { RedisClient } from './connect.ts'

/** How a Redis is: `read-only` refuses to write, `partial` is a cluster that has lost some of its slots. */
export type RedisState = 'up' | 'read-only' | 'partial' | 'down'

const PROBE_TTL_S = 10
const SLOTS = 16_384
/** By which Redis says that it does not write, and why: the operator knows the rest from its log. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['OOM', 'its memory is full'],
  ['MISCONF', 'it cannot save to its disk'],
  ['READONLY', 'it is a replica'],
  ['NOREPLICAS', 'it has too few replicas'],
  ['NOPERM', 'its user may not write']
])

/**
 * Asks for a write of one key below `prefix`, which is gone after ten seconds. `reason` is in words of ours, without addresses: anybody
 * may read it. Never rejects.
 */
export async function stateOf(client: RedisClient, prefix: string): Promise<{ state: RedisState; reason?: string }> {
  try {
    await client.set(`${prefix}:board:probe`, '', 'EX', PROBE_TTL_S)
    const lost = client instanceof Cluster ? SLOTS - slotsServed(await client.cluster('INFO')) : 0
    return lost > 0 ? { state: 'partial', reason: `${lost} of its ${SLOTS} slots have no master` } : { state: 'up' }
  } catch (error) {
    const said = error instanceof Error ? error.message : ''
    const refusal = REFUSALS.get(said.split(' ', 1)[0] ?? '')
    if (refusal !== undefined) return { state: 'read-only', reason: `writes nothing: ${refusal}` }
    if (said.startsWith('CLUSTERDOWN')) return { state: 'partial', reason: 'some of its slots have no master' }
    return { state: 'down' }
  }
}

function slotsServed(info: string): number {
  return Number(/^cluster_slots_ok:(\d+)/m.exec(info)?.[1] ?? SLOTS)
}
