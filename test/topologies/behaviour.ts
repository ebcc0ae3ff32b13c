import pg from 'pg'
import type { Test } from 'tap'
import type { Static } from 'typebox'
import { CacheEntry, KeyPage } from '#observability/browse-shapes.ts'
import { AdminReport } from '#observability/report-shapes.ts'
import { Actor, ADMIN, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { Course, parse } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { events, generate, PATH } from '../support/generations.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { PostgresServer } from '../support/postgres.ts'
import { runScript } from '../support/script.ts'
import { startService } from '../support/service.ts'
import type { Topology } from '../support/topologies.ts'

const COURSES = '/api/v1/courses'
const CACHE = '/api/v1/admin/cache'
const RECOVERY_MS = 15_000

/** What two processes must do for users and operators on any topology of Redis. */
export async function behaviour(
  t: Test,
  { url: redisUrl, env: more = {}, masters, killMasterOf }: Topology
): Promise<void> {
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const DATABASE_URL = await postgres.createDatabase()
  const env = {
    ...peopleEnvironment,
    ...more,
    REDIS_URL: redisUrl,
    DATABASE_URL,
    SEED: 'demo',
    CACHE_L1_LEASE_MS: '0',
    SESSION_SECRET: 'the secret of the tests is long enough'
  }
  const here = await startService(t, env)
  const there = await startService(t, env)
  const boss = await signIn(here.url, ADMIN.email, ADMIN.password)
  const bossThere = new Actor(there.url, boss.cookie)
  const visitors = [new Actor(here.url), new Actor(there.url)] as const
  const titleAt = async (visitor: Actor) => (await bodyOf(Course, await visitor.get(`${COURSES}/1`))).title
  const outcome = async (visitor: Actor) => {
    const answer = await visitor.get(`${COURSES}/1`)
    await answer.arrayBuffer()
    return answer.headers.get('x-cache')
  }

  await t.test('the processes share cached entries, and each sees the writes of the other at once', async (t) => {
    await statusOf(visitors[0].get(`${COURSES}/1`))
    t.equal(await outcome(visitors[1]), 'HIT')
    for (let i = 0; i < 20; i++) {
      const title = `Title ${i}`
      const by = i % 2 === 0 ? boss : bossThere
      t.equal(await statusOf(by.request('PATCH', `${COURSES}/1`, { title })), 200)
      for (const visitor of visitors) t.equal(await titleAt(visitor), title)
    }
    const outside = new pg.Client({ connectionString: DATABASE_URL })
    await outside.connect()
    await outside.query("update course set title = 'By psql' where id = 1").finally(() => outside.end())
    await until(async () => (await titleAt(visitors[0])) === 'By psql', 1000)
  })

  await t.test('sessions and limits are shared by all processes', async (t) => {
    const ann = await register(there.url, 'ann')
    const same = new Actor(here.url, ann.cookie)
    t.equal(await statusOf(same.get('/api/v1/auth/session')), 200)
    t.equal(await statusOf(same.request('POST', '/api/v1/auth/logout')), 204)
    t.equal(await statusOf(ann.get('/api/v1/auth/session')), 401)
    if (!redisUrl.startsWith('rediss:')) {
      const own = { DATABASE_URL: await postgres.createDatabase(), REDIS_KEY_PREFIX: 'aikademiya-limited' }
      const limited = { ...env, ...own, RATE_LIMIT_ANONYMOUS: '20' }
      const urls = [(await startService(t, limited)).url, (await startService(t, limited)).url]
      const requests = Array.from({ length: 30 }, (_, i) => statusOf(fetch(`${urls[i % 2]}/api/v1/categories`)))
      const statuses = await Promise.all(requests)
      t.equal(statuses.filter((status) => status === 200).length, 20)
    }
  })

  await t.test('a generation can be followed on the other process', async (t) => {
    const { id } = await generate(boss)
    t.match((await events(bossThere.get(`${PATH}/${id}/events`))).at(-1)?.generation, { status: 'completed' })
  })

  await t.test('clearing counts and removes the keys of all servers', async (t) => {
    await statusOf(boss.request('DELETE', `${CACHE}?all=true`))
    for (let id = 1; id <= 20; id++) await statusOf(visitors[0].get(`${COURSES}/${id}`))
    const matching = await (await boss.get(`${CACHE}/matching?pattern=course:*`)).json()
    t.same(matching, { matching: 20 })
    const keys = new Set<string>()
    for (let cursor: string | null = ''; cursor !== null; ) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`
      const answer = await boss.get(`${CACHE}/keys?pattern=course:*&limit=5${more}`)
      const page: Static<typeof KeyPage> = await bodyOf(KeyPage, answer)
      for (const { key } of page.items) keys.add(key)
      t.ok(
        page.items.every(({ bytes }) => bytes !== null),
        'each master reports the sizes of its keys'
      )
      cursor = page.nextCursor
    }
    t.equal(keys.size, 20)
    for (const key of [...keys].slice(0, 5)) {
      const entry = await bodyOf(CacheEntry, await bossThere.get(`${CACHE}/entry?key=${key}`))
      t.ok(entry.valid && (entry.bytes ?? 0) > 0, key)
    }
    t.equal((await bodyOf(AdminReport, await boss.get(CACHE))).store.state, 'trusted', 'Redis is still trusted')
    t.same(await (await bossThere.request('DELETE', `${CACHE}?pattern=course:*`)).json(), { deleted: 20 })
    t.equal(await outcome(visitors[0]), 'MISS')
    t.equal(await statusOf(boss.get('/api/v1/auth/session')), 200, 'sessions stay')
  })

  await t.test('operators see every server and every process', async (t) => {
    const report = JSON.parse(await (await boss.get(CACHE)).text())
    t.equal(report.nodes.length, masters)
    t.equal(report.processes.length, 2)
    const { code, stdout } = await runScript('src/cli/clear-cache.ts', { ...more, REDIS_URL: redisUrl }, '--stats')
    t.equal(code, 0)
    t.equal(stdout.match(/^redis 7/gm)?.length, masters)
    t.match(await (await visitors[0].get('/health/ready')).json(), { status: 'ok' })
  })

  if (killMasterOf === undefined) return
  await t.test(
    'while a dead master is replaced, no public read fails, nothing is stale, and nobody is signed out',
    async (t) => {
      const statuses = new Map<number, number>()
      let reading = true
      const readers = visitors.map(async (visitor) => {
        while (reading) {
          const status = await statusOf(visitor.get(`${COURSES}/1`))
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }
      })
      const killed = performance.now()
      await killMasterOf('aikademiya:course:1')
      let writes = 0
      let stale = 0
      let recovered = 0
      while (performance.now() - killed < RECOVERY_MS) {
        const title = `After ${++writes}`
        const status = await statusOf(boss.request('PATCH', `${COURSES}/1`, { title }))
        if (status === 200) {
          for (const visitor of visitors) if ((await titleAt(visitor)) !== title) stale++
          const session = await statusOf(bossThere.get('/api/v1/auth/session'))
          if (
            session === 200 &&
            (await outcome(visitors[0])) !== 'BYPASS' &&
            (await outcome(visitors[1])) !== 'BYPASS'
          ) {
            recovered ||= performance.now() - killed
            if (performance.now() - killed > 8000) break
          }
        }
      }
      reading = false
      await Promise.all(readers)
      t.comment(`recovered after ${Math.round(recovered)} ms; ${writes} writes; reads ${JSON.stringify([...statuses])}`)
      t.same([...statuses.keys()], [200], 'no public read failed')
      t.equal(stale, 0)
      t.ok(recovered > 0, 'it recovers')
      t.equal(await statusOf(boss.get('/api/v1/auth/session')), 200)
      parse(Course, await (await visitors[0].get(`${COURSES}/1`)).text())
    }
  )
}
