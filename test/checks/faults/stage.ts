import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { Actor, ADMIN, peopleEnvironment, register, signIn } from '../../support/actors.ts'
import { PostgresServer } from '../../support/postgres.ts'
import type { ServerProcess } from '../../support/server-process.ts'
import { spawnService } from '../../support/service.ts'
import type { Owner, Topology } from '../../support/topologies.ts'
import { TcpProxy } from '../coherence/tcp-proxy.ts'
import { Load } from './load.ts'

type Api = ServerProcess & { url: string }

/**
 * API processes on one PostgreSQL and one Redis topology, under load. With three, the clock of the second is an hour
 * ahead.
 */
export class Stage {
  readonly topology: Topology
  readonly postgres: PostgresServer
  readonly load: Load
  /** The proxy between the first process and a single Redis. */
  readonly proxy: TcpProxy | null
  readonly #databaseUrl: string
  readonly #environments: readonly Record<string, string>[]
  readonly #apis: Api[]

  private constructor(
    topology: Topology,
    postgres: PostgresServer,
    databaseUrl: string,
    proxy: TcpProxy | null,
    environments: readonly Record<string, string>[],
    apis: Api[]
  ) {
    this.topology = topology
    this.postgres = postgres
    this.proxy = proxy
    this.#databaseUrl = databaseUrl
    this.#environments = environments
    this.#apis = apis
    const cookieOf = (actor: Promise<Actor>) => actor.then(({ cookie }) => cookie)
    const anywhere = () => apis[0]?.url ?? ''
    this.load = new Load(
      () => apis.map(({ url }) => url),
      () => cookieOf(signIn(anywhere(), ADMIN.email, ADMIN.password)),
      () => cookieOf(signIn(anywhere(), 'student@example.org', 'password of student'))
    )
  }

  /** Starts three processes, or the given number without a skewed clock. */
  static async start(owner: Owner, topology: Topology, plain?: number): Promise<Stage> {
    const postgres = await PostgresServer.start()
    owner.teardown(() => postgres.stop())
    const DATABASE_URL = await postgres.createDatabase()
    const port = /^redis:\/\/127\.0\.0\.1:(\d+)$/.exec(topology.url)?.[1]
    const proxy = port === undefined ? null : await TcpProxy.start(Number(port))
    const common = {
      ...peopleEnvironment,
      ...topology.env,
      DATABASE_URL,
      REDIS_URL: topology.url,
      SEED: 'demo',
      CACHE_L1_LEASE_MS: '0',
      SESSION_SECRET: 'the secret of the checks is long enough'
    }
    const skewed = fileURLToPath(new URL('skewed-clock.ts', import.meta.url))
    const ofThree = [
      { ...common, ...(proxy && { REDIS_URL: `redis://127.0.0.1:${proxy.port}` }) },
      { ...common, NODE_OPTIONS: `--import=${skewed}` },
      common
    ]
    const environments = plain === undefined ? ofThree : Array.from({ length: plain }, () => common)
    const apis = await Promise.all(environments.map((env) => spawnService(env)))
    owner.teardown(() => Promise.all(apis.map((api) => api.kill('SIGKILL'))))
    const stage = new Stage(topology, postgres, DATABASE_URL, proxy, environments, apis)
    await register(apis[0]?.url ?? '', 'student')
    return stage
  }

  /** Stops and restarts one process after the other, on new ports. */
  async restartAll(): Promise<void> {
    for (const [index, env] of this.#environments.entries()) {
      const code = await this.#apis[index]?.kill('SIGTERM')
      if (code !== 0) throw new Error(`a process ended with ${code}`)
      this.#apis[index] = await spawnService(env)
    }
  }

  /** True if every process uses Redis for public reads, and can read sessions. */
  async recovered(student: string): Promise<boolean> {
    return (await Promise.all(this.urls.map((url) => usesRedis(url, student)))).every((good) => good)
  }

  /** Courses whose row is older than the acknowledged version. */
  async lost(): Promise<number[]> {
    // Writes acknowledged during the query may be missing from its result.
    const acknowledged = new Map(this.load.acknowledged)
    const rows = await this.#query('select id, title from course')
    return rows
      .filter(({ id, title }) => Number(/^v(\d+)/.exec(title)?.[1] ?? 0) < (acknowledged.get(id) ?? 0))
      .map(({ id }) => id)
  }

  /** The number of unapplied outbox rows. */
  async outboxDepth(): Promise<number> {
    const [row] = await this.#query('select count(*)::int as n from cache_invalidation where applied_at is null')
    return row.n
  }

  async databaseConnections(): Promise<number> {
    const [row] = await this.#query(
      "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend'"
    )
    return row.n
  }

  /** The URL of the first process. */
  get url(): string {
    return this.#apis[0]?.url ?? ''
  }

  get urls(): readonly string[] {
    return this.#apis.map(({ url }) => url)
  }

  async #query(sql: string) {
    const client = new pg.Client({ connectionString: this.#databaseUrl })
    await client.connect()
    const { rows } = await client.query(sql).finally(() => client.end())
    return rows
  }
}

/** True if a process uses Redis for a public read, and can tell whether a client is signed in. */
export async function usesRedis(url: string, student: string): Promise<boolean> {
  const course = await fetch(`${url}/api/v1/courses/1`).catch(() => null)
  await course?.arrayBuffer()
  const own = await new Actor(url, student).get('/api/v1/users/me').catch(() => null)
  await own?.arrayBuffer()
  const known = own?.status === 200 || own?.status === 401
  return course?.status === 200 && course.headers.get('x-cache') !== 'BYPASS' && known
}
