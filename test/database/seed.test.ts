import { verify } from '@node-rs/argon2'
import pg from 'pg'
import t from 'tap'
import { readCourses } from '#seed/seed.ts'
import { CoursePage } from '../support/contract.ts'
import { dump, prepare, query } from '../support/database.ts'
import { get } from '../support/http.ts'
import { PostgresServer } from '../support/postgres.ts'
import { RedisServer } from '../support/redis.ts'
import { runScript } from '../support/script.ts'
import { spawnService } from '../support/service.ts'

/** Longer than Fastify's default plugin timeout, as a first start on a small machine may take. */
const LONG_MS = 11_000
const PASSWORD_LINE = /shown this once: (\S+) \/ ([^\s"]+)/g

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
// Slow, but with little CPU: the other tests run meanwhile.
const waiting = Promise.allSettled([startBehindAnother()])

t.test('three processes that start at once on an empty database', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const env = { DATABASE_URL, REDIS_URL: redis.url, SEED: 'demo', RATE_LIMIT_ANONYMOUS: '0' }
  const started = await Promise.allSettled([env, env, env].map((env) => spawnService(env)))
  const services = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  t.teardown(() => Promise.all(services.map((service) => service.kill('SIGKILL'))))
  const outputs = () => services.map((service) => service.output()).join('')
  const files = await readCourses()

  await t.test('all processes answer with the whole catalogue', async (t) => {
    t.equal(services.length, 3)
    for (const { url } of services) {
      t.equal((await get(CoursePage, `${url}/api/v1/courses`)).total, files.length)
    }
  })

  await t.test('migrations and seed run exactly once', async (t) => {
    t.equal(outputs().match(/database migrated/g)?.length, 1)
    t.equal(outputs().match(/demo catalogue seeded/g)?.length, 1)
    const [migrations] = await query(
      DATABASE_URL,
      `select count(*)::int, count(distinct migration_name)::int as names, count(finished_at)::int as finished from _prisma_migrations`
    )
    t.equal(migrations?.count, migrations?.names)
    t.equal(migrations?.count, migrations?.finished)
  })

  await t.test('the database has the content of the course files exactly once', async (t) => {
    const stored = await query(
      DATABASE_URL,
      `select c.slug, status::text, count(distinct m.id)::int as modules, count(h.id)::int as chapters,
              sum(length(h.content))::int as characters
       from course c join module m on m.course_id = c.id join chapter h on h.module_id = m.id group by c.id order by slug`
    )
    const expected = files.map(({ slug, modules }) => {
      const contents = modules.flatMap(({ chapters }) => chapters.map(({ content }) => [...content].length))
      const characters = contents.reduce((sum, length) => sum + length, 0)
      return { slug, status: 'published', modules: modules.length, chapters: contents.length, characters }
    })
    t.strictSame(
      stored,
      expected.sort((a, b) => (a.slug < b.slug ? -1 : 1))
    )
  })

  await t.test('a later start, and npm run seed, change nothing', async (t) => {
    const before = await dump(DATABASE_URL)
    t.ok(before.length > 300, `${before.length} rows`)
    const fourth = await spawnService(env)
    t.equal(await fourth.kill('SIGTERM'), 0)
    services.push(fourth)
    t.equal((await runScript('src/cli/seed.ts', env)).code, 0)
    t.strictSame(await dump(DATABASE_URL), before)
  })

  await t.test(
    'the password of the demo admin is shown once in four starts, is valid, and is not stored',
    async (t) => {
      const shown = [...outputs().matchAll(PASSWORD_LINE)]
      t.equal(shown.length, 1)
      const [, email, password = ''] = shown[0] ?? []
      const admins = await query(DATABASE_URL, `select email, password_hash from app_user where role = 'admin'`)
      t.equal(admins.length, 1)
      t.equal(admins[0]?.email, email)
      t.ok(await verify(String(admins[0]?.password_hash), password), 'the printed password is valid')
      t.ok(password.length >= 12, 'long enough')
      t.notMatch(String(admins[0]?.password_hash), password)
    }
  )
})

t.test('a database that is not empty is not seeded', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  await prepare({ DATABASE_URL })
  t.strictSame(await query(DATABASE_URL, 'select 1 from category union all select 1 from app_user'), [], 'SEED=none')
  await query(DATABASE_URL, `insert into category (slug, name) values ('mine', 'Mine')`)
  const output = await prepare({ DATABASE_URL, SEED: 'demo' })
  t.strictSame(await query(DATABASE_URL, 'select slug from category'), [{ slug: 'mine' }])
  t.strictSame(await query(DATABASE_URL, 'select 1 from course union all select 1 from app_user'), [])
  t.notMatch(output, PASSWORD_LINE)
})

t.test('a start waits without limit for another that holds the database', async (t) => {
  const [start] = await waiting
  t.match(start, { status: 'fulfilled' })
  if (start.status === 'fulfilled') t.match(start.value, 'demo catalogue seeded')
})

/** Starts while another session holds a table lock for a long time; resolves to the output. */
async function startBehindAnother(): Promise<string> {
  const DATABASE_URL = await postgres.createDatabase()
  await prepare({ DATABASE_URL })
  const other = new pg.Client({ connectionString: DATABASE_URL })
  await other.connect()
  await other.query('begin; lock table category in access exclusive mode')
  setTimeout(() => other.end(), LONG_MS)
  const service = await spawnService({ DATABASE_URL, SEED: 'demo' })
  await service.kill('SIGTERM')
  return service.output()
}
