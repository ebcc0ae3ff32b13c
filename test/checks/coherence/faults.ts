import { setTimeout as sleep } from 'node:timers/promises'
import type { Tally } from './load.ts'
import { evict, killing, renameDuringMove, writeFromOutside } from './strikes.ts'
import type { World } from './world.ts'

const FAULT_MS = 2000
/** Long enough for the backoff of clients to reach its maximum. */
const OUTAGE_MS = 12_000

export interface Fault {
  readonly name: string
  /** Causes the fault; resolves when it is over. */
  strike(world: World, tally: Tally): Promise<void>
  /** Restarts what the fault has left down. */
  repair?(world: World): Promise<void>
  /** True for a fault that must not be noticed: reads follow the rules of the ledger throughout, not only from a second after its end. */
  readonly unnoticed?: true
  /** True where reads may fail: without its database the service can answer only what it has cached, and a dead process answers nothing. */
  readonly readsMayFail?: true
}

export const FAULTS: readonly Fault[] = [
  ...[0, 1, 2].map(killing),
  {
    name: 'Redis stopped for 2 s (SIGSTOP, SIGCONT)',
    async strike({ redis }) {
      redis.signal('SIGSTOP')
      await sleep(FAULT_MS)
      redis.signal('SIGCONT')
    }
  },
  {
    name: 'Redis killed, started again empty',
    async strike({ redis }) {
      await redis.kill()
      await redis.resumeEmpty()
    }
  },
  {
    name: 'Redis killed, started again from its AOF',
    async strike({ redis }) {
      await redis.kill()
      await redis.resume()
    }
  },
  {
    name: 'Redis killed, started again from an AOF without its last second',
    async strike({ redis }) {
      const bytes = await redis.appendedBytes()
      await sleep(1000)
      await redis.kill()
      await redis.resumeAsOf(bytes)
    }
  },
  {
    // Backdates the outbox instead of waiting.
    name: 'Redis gone for two minutes, then from an AOF without its last second',
    async strike(world) {
      const bytes = await world.redis.appendedBytes()
      await sleep(1000)
      await world.redis.kill()
      await world.query(`update cache_invalidation set applied_at = applied_at - interval '2 minutes'`)
      await world.redis.resumeAsOf(bytes)
    }
  },
  {
    name: 'Redis gone for 12 s, then from its AOF',
    async strike({ redis }) {
      await redis.kill()
      await sleep(OUTAGE_MS)
      await redis.resume()
    }
  },
  {
    name: 'PostgreSQL restarted',
    readsMayFail: true,
    async strike({ postgres }) {
      await postgres.shutDown()
      await postgres.resume()
    }
  },
  {
    name: 'writes from outside the service, as psql, for 2 s',
    unnoticed: true,
    strike: (world) => writeFromOutside(world, FAULT_MS)
  },
  {
    name: 'a category is renamed while a course moves into it',
    unnoticed: true,
    strike: renameDuringMove
  },
  {
    name: 'eviction: a full Redis, allkeys-lru, for 4 s',
    unnoticed: true,
    strike: (world) => evict(world, 2 * FAULT_MS)
  },
  {
    name: 'instance 0 cut off from Redis for 2 s, silently',
    async strike({ proxy }) {
      proxy?.silence()
      await sleep(FAULT_MS)
      proxy?.open()
    }
  },
  {
    name: 'instance 0 cut off from Redis for 2 s, connections reset',
    async strike({ proxy }) {
      proxy?.cut()
      await sleep(FAULT_MS)
      proxy?.open()
    }
  },
  {
    name: 'instance 0 stopped for 2 s (SIGSTOP, SIGCONT)',
    async strike({ instances }) {
      const instance = instances[0]
      instance?.signal('SIGSTOP')
      await sleep(FAULT_MS)
      instance?.signal('SIGCONT')
    }
  }
]
