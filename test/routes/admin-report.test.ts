import t, { type Test } from 'tap'
import { type Static, Type } from 'typebox'
import { CacheEntry, CacheHistory, CacheMemory, KeyPage } from '#observability/browse-shapes.ts'
import { AdminReport } from '#observability/report-shapes.ts'
import { Actor, ADMIN, admin, peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { query } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { generate } from '../support/generations.ts'
import { bodyOf, lookInto, spawnFor, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const PATH = '/api/v1/admin/cache'
const Deleted = Type.Object({ deleted: Type.Integer() })
/** Processes share their state by a heartbeat every five seconds. */
const LATEST_MS = 12_000

/** Reads keys and entries on one process, and deletes them on the other. */
async function browses(t: Test, boss: Actor, there: Actor): Promise<void> {
  const entry = `${PATH}/entry?key=course:1`
  const course = async (by: Actor) => {
    const answer = await by.get('/api/v1/courses/1')
    return { text: await answer.text(), cached: answer.headers.get('x-cache') }
  }
  const { text } = await course(boss)
  for (const by of [boss, there, there]) await course(by)
  t.match((await course(there)).cached, 'HIT')

  const { items } = await bodyOf(KeyPage, await boss.get(`${PATH}/keys?pattern=course:1*&limit=500`))
  t.match(
    items.find(({ key }) => key === 'course:1'),
    { bytes: Number, ttlS: Number }
  )
  t.ok(items.every(({ key }) => key.startsWith('course:1')))
  const all = await bodyOf(KeyPage, await boss.get(`${PATH}/keys`))
  t.notMatch(JSON.stringify(all), /session|limit:|tag:|board/, 'cached data only')

  const found = await bodyOf(CacheEntry, await there.get(entry))
  t.match(found, { key: 'course:1', value: text, truncated: false, missing: false, valid: true })
  t.ok(Math.abs(Date.now() - Date.parse(found.storedAt ?? '')) < 60_000, 'the entry has its age')
  t.ok(found.tags.some(({ tag, current }) => tag === 'course:1' && current))
  t.ok((found.bytes ?? 0) > text.length && (found.ttlS ?? 0) > 1000)

  // An admin sees the result of a clearing at once.
  await statusOf(boss.request('DELETE', `${PATH}?pattern=course:none`))
  await until(async () => {
    const { at, sampled, prefixes, largest } = await bodyOf(CacheMemory, await there.get(`${PATH}/memory`))
    const courses = prefixes.find(({ prefix }) => prefix === 'course')
    return at !== null && sampled > 0 && (courses?.bytes ?? 0) > text.length && largest.length > 0
  }, LATEST_MS)

  t.same(await bodyOf(Deleted, await boss.request('DELETE', entry)), { deleted: 1 })
  await until(async () => (await course(there)).cached === 'MISS', 2000)
  t.same(await bodyOf(Deleted, await boss.request('DELETE', `${PATH}/entry?key=course:none`)), { deleted: 0 })
  t.equal(await statusOf(boss.get(`${PATH}/entry?key=course:none`)), 404)
  await statusOf(boss.get('/api/v1/courses?category=data'))
  t.equal(await statusOf(boss.request('PATCH', '/api/v1/categories/data', { name: 'Facts and figures' })), 200)
  const lists = await bodyOf(KeyPage, await there.get(`${PATH}/keys?pattern=api:courses:*`))
  const outdated = await bodyOf(CacheEntry, await there.get(`${PATH}/entry?key=${lists.items[0]?.key}`))
  t.match(outdated, { valid: false })
  t.ok(
    outdated.tags.some(({ current }) => !current),
    'a tag was invalidated since'
  )

  for (const [path, field] of [
    ['entry?key=session:1', 'key'],
    ['entry?key=course:*', 'key'],
    ['entry', 'key'],
    ['keys?limit=501', 'limit'],
    ['keys?pattern=', 'pattern'],
    ['history?hours=25', 'hours']
  ] as const) {
    const answer = await boss.get(`${PATH}/${path}`)
    t.match(await bodyOf(ErrorBody, answer, 400), { message: new RegExp(field) }, path)
  }
}

type Report = Static<typeof AdminReport>
const reportOf = async (actor: Actor): Promise<Report> => bodyOf(AdminReport, await actor.get(PATH))
/** A report is shared for a second. */
const becomes = (actor: Actor, holds: (report: Report) => boolean) =>
  until(async () => holds(await reportOf(actor)), LATEST_MS)

t.test('an embedded service reports its one process', async (t) => {
  const service = await startService(t, peopleEnvironment)
  const boss = await admin(service)
  const ann = await register(service.url, 'ann')
  for (let n = 0; n < 4; n++) await statusOf(ann.get('/api/v1/courses/1'))
  const { id } = await generate(ann, { modules: 1 })
  await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'new' }))
  t.equal(await statusOf(boss.request('DELETE', `${PATH}?pattern=course:*`)), 200)

  const report = await reportOf(boss)
  t.match(report, {
    mode: 'embedded',
    store: { state: 'embedded', reason: null },
    access: 'session',
    lastClearing: { by: ADMIN.email, pattern: 'course:*' },
    sessions: { active: 2 }
  })
  for (const [hours, stepS, items] of [
    [1, 60, 60],
    [24, 300, 288]
  ] as const) {
    const history = await bodyOf(CacheHistory, await boss.get(`${PATH}/history?hours=${hours}`))
    t.same([history.stepS, history.items.length], [stepS, items])
    t.ok(history.items.some(({ requests }) => (requests ?? 0) > 4))
  }
  await browses(t, boss, boss)

  t.match(report.processes, [{ role: 'api', version: /^\d/, commit: null, generations: { concurrency: 6 } }])
  t.match(report.history.at(-1), { opsPerSecond: null, usedBytes: null })
  t.ok((report.history.at(-1)?.requests ?? 0) + (report.history.at(-2)?.requests ?? 0) > 4)
  const me = Number(/\d+/.exec(report.invalidations.find(({ by }) => by !== null)?.by ?? '')?.[0])
  t.ok(report.invalidations.some(({ by, tags }) => by === `user:${me}` && tags.includes(`user:${me}`)))
  t.match(
    report.routes.find(({ route }) => route === '/api/v1/courses/:id'),
    { method: 'GET', requests: 4, errors: 0, cached: 0.75 }
  )
  const { counts, running = [] } = report.generations ?? {}
  t.equal((counts?.queued ?? 0) + (counts?.running ?? 0) + (counts?.completed ?? 0), 1)
  t.ok(running.every((one) => one.id === id && one.user.name === 'ann'))
})

t.test('on two processes', async (t) => {
  const { redis, env } = await startStack(t)
  const service = await startService(t, { ...env, COMMIT: 'abcdef0' })
  const other = await spawnFor(t, { ...env, WORKER: 'none' })
  const boss = await admin(service)
  const there = new Actor(other.url, boss.cookie)
  const ann = await register(other.url, 'ann')

  await t.test('either process reports both', async (t) => {
    await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'new' }))
    await statusOf(there.request('DELETE', `${PATH}?all=true`))
    for (let n = 0; n < 3; n++) await statusOf(fetch(`${other.url}/api/v1/courses/2`))
    await becomes(boss, ({ routes, processes }) => {
      const route = routes.find(({ route }) => route === '/api/v1/courses/:id')
      return processes.length === 2 && route?.requests === 3
    })
    const report = await reportOf(boss)
    t.equal(await statusOf(boss.get('/api/v1/admin/sessions')), 200)
    t.equal(await statusOf(there.get('/api/v1/admin/sessions?search=ann')), 200)
    t.match(report, { mode: 'redis', store: { state: 'trusted', reason: null }, sessions: { active: 2 } })
    t.match(report.lastClearing, { by: ADMIN.email, pattern: 'all' })
    const one = report.processes.find(({ commit }) => commit === 'abcdef0')
    t.match(one?.generations, { running: 0, concurrency: 6 })
    t.ok(report.processes.some(({ commit, generations }) => commit === null && generations === null))
    t.ok(report.invalidations.some(({ by, process }) => by?.startsWith('user:') && process.endsWith(` ${other.pid}`)))
    await becomes(boss, ({ history }) =>
      history.some(({ opsPerSecond, usedBytes }) => opsPerSecond !== null && (usedBytes ?? 0) > 0)
    )
  })

  await t.test('either process shows the keys and entries of both', async (t) => {
    await browses(t, boss, there)
    t.equal(await statusOf(boss.get(`${PATH}/keys?cursor=0-99999999999999999999`)), 400, 'not a valid Redis cursor')
    const planted = lookInto(t, redis)
    await planted.set('aikademiya:stats:odd', 'x'.repeat(70_000))
    await planted.lpush('aikademiya:stats:list', 'x')
    const odd = await bodyOf(CacheEntry, await boss.get(`${PATH}/entry?key=stats:odd`))
    t.match(odd, { valid: false, truncated: true, tags: [], ttlS: null })
    t.equal(odd.value.length, 65_536)
    t.match(await bodyOf(ErrorBody, await boss.get(`${PATH}/keys?cursor=9-0`), 400), { message: /cursor/ })
    t.equal(await statusOf(boss.get(`${PATH}/entry?key=stats:list`)), 404)
    const history = await bodyOf(CacheHistory, await there.get(`${PATH}/history?hours=24`))
    t.ok(history.items.some(({ usedBytes, opsPerSecond }) => usedBytes !== null && opsPerSecond !== null))
  })

  await t.test('a write from outside the service is reported as such', async () => {
    await query(String(env.DATABASE_URL), "update category set name = 'Facts' where slug = 'data'")
    await becomes(boss, ({ invalidations }) =>
      invalidations.some(({ by, tags }) => by === 'outside' && tags.some((tag) => tag.startsWith('categor')))
    )
  })
})
