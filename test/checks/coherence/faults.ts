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
  /**
   * True if no reader may notice the fault: the rules of the ledger apply throughout, not only from a second after its
   * end.
   */
  readonly unnoticed?: true
  /**
   * True if reads may fail: without a database, the service can only answer from its cache, and a dead process answers
   * nothing.
   */
  readonly readsMayFail?: true
}

export const FAULTS: readonly Fault[] = [
  ...[0, 1, 2].map(killing),
  {
    name: 'Redis suspended for 2 s (SIGSTOP, SIGCONT)',
    async strike({ redis }) {
      redis.signal('SIGSTOP')
      await sleep(FAULT_MS)
      redis.signal('SIGCONT')
    }
  },
  {
    name: 'Redis killed, restarted empty',
    async strike({ redis }) {
      await redis.kill()
      await redis.resumeEmpty()
    }
  },
  {
    name: 'Redis killed, restarted from its AOF',
    async strike({ redis }) {
      await redis.kill()
      await redis.resume()
    }
  },
  {
    name: 'Redis killed, restarted from an AOF without its last second',
    async strike({ redis }) {
      const bytes = await redis.appendedBytes()
      await sleep(1000)
      await redis.kill()
      await redis.resumeAsOf(bytes)
    }
  },
  {
    // Backdates the outbox instead of waiting for two minutes.
    name: 'Redis down for two minutes, then an AOF without its last second',
    async strike(world) {
      const bytes = await world.redis.appendedBytes()
      await sleep(1000)
      await world.redis.kill()
      await world.query(`update cache_invalidation set applied_at = applied_at - interval '2 minutes'`)
      await world.redis.resumeAsOf(bytes)
    }
  },
  {
    name: 'Redis down for 12 s, restarted from its AOF',
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
    name: 'writes from outside the service, as by psql, for 2 s',
    unnoticed: true,
    strike: (world) => writeFromOutside(world, FAULT_MS)
  },
  {
    name: 'a category renamed while a course is moved into it',
    unnoticed: true,
    strike: renameDuringMove
  },
  {
    name: 'Redis full for 4 s, evicting with allkeys-lru',
    unnoticed: true,
    strike: (world) => evict(world, 2 * FAULT_MS)
  },
  {
    name: 'instance 0 cut off from Redis for 2 s, connections hang',
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
    name: 'instance 0 suspended for 2 s (SIGSTOP, SIGCONT)',
    async strike({ instances }) {
      const instance = instances[0]
      instance?.signal('SIGSTOP')
      await sleep(FAULT_MS)
      instance?.signal('SIGCONT')
    }
  }
]
