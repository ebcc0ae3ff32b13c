import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { PostgresServer } from '../../test/support/postgres.ts'
import { RedisServer } from '../../test/support/redis.ts'
import { FOLDER, LOAD_CORE, moveTo, type Place, serve, type Target } from './measure.ts'

const COURSE_BYTES = 4096
/** A course in plain ASCII: sending its text costs no more than sending its bytes. */
export const COURSE_ID = 3
export const COURSE = `/api/v1/courses/${COURSE_ID}`
const COURSES = 2000
const NO_LIMIT = '1000000000'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** The environment variables and flags of `npm start`. */
const { scripts } = JSON.parse(await readFile(path('../../package.json'), 'utf8'))
const words = String(scripts.start).split(' ')
const settings = Object.fromEntries(words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split('=')))
const flags = words.filter((word) => word.startsWith('--') && !word.startsWith('--env'))

/** A PostgreSQL and a Redis on the core of the load, with 2,000 courses, one of exactly 4 KB. */
export class Stack {
  readonly db: pg.Pool
  readonly #env: Record<string, string>
  readonly #stop: () => Promise<unknown>

  private constructor(env: Record<string, string>, db: pg.Pool, stop: () => Promise<unknown>) {
    this.#env = env
    this.db = db
    this.#stop = stop
  }

  static async start(): Promise<Stack> {
    // Processes started by this one inherit its core.
    await moveTo(LOAD_CORE)
    const [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()])
    const DATABASE_URL = await postgres.createDatabase()
    const db = new pg.Pool({ connectionString: DATABASE_URL, max: 4 })
    const env = {
      DATABASE_URL,
      REDIS_URL: redis.url,
      COURSE_FILE: join(FOLDER, 'course.json'),
      HEADERS_FILE: join(FOLDER, 'headers.json')
    }
    const stack = new Stack(env, db, () => Promise.all([postgres.stop(), redis.stop(), db.end()]))
    await stack.#fill(env)
    return stack
  }

  /** The service with all its plugins. Rate limits are high and counted in the process, unless `env` says otherwise. */
  service(env: Record<string, string> = {}, place?: Place): Promise<Target> {
    return serve(
      [...flags, path('../../src/server.ts')],
      {
        ...this.#env,
        ...settings,
        SEED: 'demo',
        SESSION_SECRET: 'the secret of the bench is long enough',
        RATE_LIMIT_ANONYMOUS: NO_LIMIT,
        RATE_LIMIT_USER: NO_LIMIT,
        RATE_LIMIT_NETWORK: NO_LIMIT,
        REDIS_LIMIT_URL: 'none',
        ...env
      },
      place
    )
  }

  /** A Fastify route without plugins that gets its response in the named way (`server.ts`), with these additions. */
  yardstick(name: string, ...additions: ('--server' | '--headers' | '--log')[]): Promise<Target> {
    return serve([path('server.ts'), name, ...additions], this.#env)
  }

  /** Updates this course by SQL, which invalidates it and all lists. */
  async touch(id: number): Promise<void> {
    await this.db.query('update course set updated_at = clock_timestamp() where id = $1', [id])
  }

  stop(): Promise<unknown> {
    return this.#stop()
  }

  async #fill(files: { COURSE_FILE: string; HEADERS_FILE: string }): Promise<void> {
    const service = await this.service()
    const { db } = this
    const answer = async () => (await fetch(service.url + COURSE)).text()
    const missing = COURSE_BYTES - Buffer.byteLength(await answer())
    await db.query(`update course set description = description || repeat('x', $1) where slug = $2`, [
      missing,
      JSON.parse(await answer()).slug
    ])
    await db.query(
      `insert into course (slug, title, summary, description, level, language, status, category_id, author_id, created_at, updated_at)
       select 'bench-' || n, 'Course ' || n, summary, description, level, language, status, category_id, author_id, now(), now()
       from generate_series(1, $1) n join lateral (select * from course where slug not like 'bench-%' order by (id + n) % 20 limit 1) c on true`,
      [COURSES]
    )
    await service.stop()
    const fresh = await this.service()
    const text = await (await fetch(fresh.url + COURSE)).text()
    if (Buffer.byteLength(text) !== COURSE_BYTES) throw new Error(`the course has ${Buffer.byteLength(text)} bytes`)
    await writeFile(files.COURSE_FILE, text)
    const { headers } = await fetch(fresh.url + COURSE)
    await writeFile(files.HEADERS_FILE, JSON.stringify(withoutNodes(headers)))
    await fresh.stop()
  }
}

/** The headers of a response, without those that Node writes. */
function withoutNodes(headers: Headers): Record<string, string> {
  const ofNode = new Set(['connection', 'content-length', 'date', 'keep-alive'])
  return Object.fromEntries([...headers].filter(([name]) => !ofNode.has(name)))
}
