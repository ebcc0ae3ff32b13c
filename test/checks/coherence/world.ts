import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { readConfig } from '#config/config.ts'
import { PostgresServer } from '../../support/postgres.ts'
import { RedisServer } from '../../support/redis.ts'
import { inherited } from '../../support/server-process.ts'
import { ApiProcess } from './api-process.ts'
import { onLeave } from './leave.ts'
import type { Seen, Subject } from './ledger.ts'
import type { Lease } from './options.ts'
import { Reads, versionOf } from './reads.ts'
import { createSubjects, SETUP, type Subjects } from './subjects.ts'
import { TcpProxy } from './tcp-proxy.ts'

const HEALTH_POLL_MS = 20
const HEALTH_PATIENCE_MS = 60_000

export interface WorldOptions {
  readonly instances: number
  readonly lease: Lease
  /** A Redis with persistence, and a proxy between it and the first instance. */
  readonly faults?: boolean
}

/** PostgreSQL, Redis and the API processes, with the subjects of reads and writes. */
export class World {
  readonly leaseMs: number
  readonly subjects: Subjects = createSubjects()
  readonly reads = new Reads(this.subjects)
  readonly instances: readonly ApiProcess[]
  readonly redis: RedisServer
  readonly postgres: PostgresServer
  readonly databaseUrl: string
  readonly proxy: TcpProxy | null

  private constructor(parts: Pick<World, 'leaseMs' | 'instances' | 'redis' | 'postgres' | 'databaseUrl' | 'proxy'>) {
    this.leaseMs = parts.leaseMs
    this.instances = parts.instances
    this.redis = parts.redis
    this.postgres = parts.postgres
    this.databaseUrl = parts.databaseUrl
    this.proxy = parts.proxy
  }

  static async start({ instances: count, lease, faults = false }: WorldOptions): Promise<World> {
    const postgres = await PostgresServer.start()
    onLeave(() => postgres.stop())
    const redis = await RedisServer.start(...(faults ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : []))
    onLeave(() => redis.stop())
    const proxy = faults ? await TcpProxy.start(redis.port) : null
    const databaseUrl = await postgres.createDatabase()

    const env = {
      ...inherited,
      DATABASE_URL: databaseUrl,
      ...(lease === '0' ? { CACHE_L1_LEASE_MS: '0' } : {}),
      RATE_LIMIT_ANONYMOUS: '0',
      RATE_LIMIT_USER: '0',
      LOG_LEVEL: 'error',
      SEED: 'none',
      WORKER: 'none'
    }
    const instances = Array.from({ length: count }, (_, index) => {
      const url = index === 0 && proxy !== null ? `redis://127.0.0.1:${proxy.port}` : redis.url
      return new ApiProcess(index, { ...env, REDIS_URL: url })
    })
    for (const instance of instances) onLeave(() => instance.kill())
    const leaseMs = readConfig(env).cache.l1LeaseMs
    const world = new World({ leaseMs, instances, redis, postgres, databaseUrl, proxy })
    await Promise.all(instances.map((instance) => instance.start()))
    await world.query(SETUP)
    await world.healthy()
    // Wait until the sweepers have applied the invalidations of the setup.
    while ((await world.query('select from cache_invalidation where applied_at is null limit 1')).length > 0)
      await sleep(50)
    return world
  }

  async stop(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.kill()))
    await Promise.all([this.redis.stop(), this.postgres.stop()])
  }

  /** Resolves when every instance trusts its cache store. */
  async healthy(): Promise<void> {
    const giveUpAt = performance.now() + HEALTH_PATIENCE_MS
    for (const instance of this.instances) {
      while (!(await instance.healthy())) {
        if (performance.now() > giveUpAt)
          throw new Error(`instance ${instance.index} does not recover:\n${instance.output()}`)
        await sleep(HEALTH_POLL_MS)
      }
    }
  }

  /** Queries the database directly; waits while it is down. */
  async query(sql: string): Promise<Record<string, unknown>[]> {
    for (;;) {
      const client = new pg.Client({ connectionString: this.databaseUrl })
      // A restart ends the session, which makes the query reject.
      client.on('error', () => {})
      try {
        await client.connect()
      } catch {
        await sleep(100)
        continue
      }
      const result = await client.query<Record<string, unknown>>(sql).finally(() => client.end().catch(() => {}))
      return result.rows
    }
  }

  /** The version in the database. */
  async stored({ name, sql }: Subject): Promise<Seen> {
    const [row] = await this.query(sql)
    if (row === undefined) return 'absent'
    if (typeof row.version !== 'string') throw new Error(`${name} has no version`)
    return versionOf(row.version)
  }

  allSubjects(): Subject[] {
    const { courses, ghosts, drafts, authors, categories, spareCategory } = this.subjects
    return [
      ...[...courses, ...ghosts, ...drafts].flatMap(({ title, module }) =>
        module === null ? [title] : [title, module]
      ),
      ...[...authors, ...categories, spareCategory].map(({ name }) => name)
    ]
  }
}
