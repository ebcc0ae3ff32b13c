import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { fillDisk } from './small-disk.ts'
import type { Stage } from './stage.ts'

const FAULT_MS = 2000
const HOT_KEY = 'aikademiya:course:1'

export interface Fault {
  readonly name: string
  strike(stage: Stage, redis: Redis): Promise<void>
  /** True if Redis loses its sessions, so that users have to sign in again. */
  readonly losesSessions?: true
  /** True if reads may fail: without the database only cached answers are available. */
  readonly readsMayFail?: true
}

/** Faults with one Redis. */
export const singleFaults: readonly Fault[] = [
  { name: 'a process whose clock is an hour fast, for 2 s', strike: () => sleep(FAULT_MS) },
  { name: 'FLUSHALL', losesSessions: true, strike: async (_stage, redis) => void (await redis.flushall()) },
  { name: 'SCRIPT FLUSH', strike: async (_stage, redis) => void (await redis.script('FLUSH')) },
  {
    name: 'CLIENT KILL of every connection, three times',
    strike: async (_stage, redis) => {
      for (let i = 0; i < 3; i++) {
        await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
        await sleep(300)
      }
    }
  },
  {
    name: 'corrupt entries written into Redis, for 1 s',
    strike: async (_stage, redis) => {
      for (let i = 0; i < 50; i++) {
        const key = `aikademiya:course:${1 + (i % 10)}`
        if (i % 3 === 0) await redis.set(key, '1 99999 "x" stamp\n{"title":"v0"}')
        else if (i % 3 === 1) await redis.set(key, 'nonsense')
        else await redis.del(key).then(() => redis.lpush(key, 'a list'))
        await sleep(20)
      }
    }
  },
  {
    name: 'memory full, noeviction, for 2 s',
    strike: async (_stage, redis) => {
      await redis.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1')
      await sleep(FAULT_MS)
      await redis.config('SET', 'maxmemory', '0')
    }
  },
  {
    name: 'memory full, allkeys-lru, for 2 s',
    // Sessions on the same instance are evicted like everything else.
    losesSessions: true,
    strike: async (_stage, redis) => {
      const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru', 'maxmemory', String(used + 100_000))
      const end = performance.now() + FAULT_MS
      for (let n = 0; performance.now() < end; n++) {
        await redis.set(`filler:${n}`, 'x'.repeat(1000), 'PX', 3000)
      }
      await redis.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction')
    }
  },
  {
    name: '200 ms latency between process 0 and Redis, for 2 s',
    strike: async ({ proxy }) => {
      proxy?.delay(100)
      await sleep(FAULT_MS)
      proxy?.delay(0)
    }
  },
  {
    name: 'half-open connections of process 0, for 2 s',
    strike: async ({ proxy }) => {
      proxy?.silence()
      await sleep(FAULT_MS)
      proxy?.open()
    }
  },
  {
    name: 'process 0 cut off from Redis, for 2 s',
    strike: async ({ proxy }) => {
      proxy?.cut()
      await sleep(FAULT_MS)
      proxy?.open()
    }
  },
  { name: 'disk of Redis full (AOF), for 2 s', strike: (_stage, redis) => fillDisk(redis, FAULT_MS) },
  {
    name: 'PostgreSQL restarted',
    readsMayFail: true,
    strike: async ({ postgres }) => {
      await postgres.shutDown()
      await postgres.resume()
    }
  },
  { name: 'rolling restart of the three processes', strike: (stage) => stage.restartAll() }
]

const masterKilled: Fault = {
  name: 'master killed, another promoted',
  strike: async ({ topology }) => {
    await topology.killMasterOf?.(HOT_KEY)
  }
}

/** Faults with a primary, two replicas and three sentinels. */
export const sentinelFaults: readonly Fault[] = [
  {
    name: 'replicas lag by 2 s',
    strike: async ({ topology: { replicas = [] } }) => {
      for (const replica of replicas) replica.signal('SIGSTOP')
      await sleep(FAULT_MS)
      for (const replica of replicas) replica.signal('SIGCONT')
    }
  },
  masterKilled
]

/** Faults with three masters, each with a replica. */
export const clusterFaults: readonly Fault[] = [
  {
    name: 'a replica that lags by 1 s is promoted',
    strike: async ({ topology }) => {
      await topology.takeOver?.(HOT_KEY, FAULT_MS / 2)
    }
  },
  {
    name: 'half the slots of a master moved to another while serving',
    strike: async ({ topology }) => {
      await topology.reshard?.(HOT_KEY)
    }
  },
  masterKilled
]
