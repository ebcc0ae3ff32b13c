import t from 'tap'
import type { Static } from 'typebox'
import { AdminReport } from '#observability/report-shapes.ts'
import { Actor, ADMIN, admin, peopleEnvironment, register } from '../support/actors.ts'
import { query } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { generate } from '../support/generations.ts'
import { bodyOf, spawnFor, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const PATH = '/api/v1/admin/cache'
/** A beat tells the others, every five seconds. */
const LATEST_MS = 12_000

type Report = Static<typeof AdminReport>
const reportOf = async (actor: Actor): Promise<Report> => bodyOf(AdminReport, await actor.get(PATH))
/** A report is shared for a second. */
const becomes = (actor: Actor, holds: (report: Report) => boolean) =>
  until(async () => holds(await reportOf(actor)), LATEST_MS)

t.test('embedded, the report tells of its one process', async (t) => {
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
  const { env } = await startStack(t)
  const service = await startService(t, { ...env, COMMIT: 'abcdef0' })
  const other = await spawnFor(t, { ...env, WORKER: 'none' })
  const boss = await admin(service)
  const there = new Actor(other.url, boss.cookie)
  const ann = await register(other.url, 'ann')

  await t.test('either tells of both', async (t) => {
    await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'new' }))
    await statusOf(there.request('DELETE', `${PATH}?all=true`))
    for (let n = 0; n < 3; n++) await statusOf(fetch(`${other.url}/api/v1/courses/2`))
    await becomes(boss, ({ routes, processes }) => {
      const route = routes.find(({ route }) => route === '/api/v1/courses/:id')
      return processes.length === 2 && route?.requests === 3
    })
    const report = await reportOf(boss)
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

  await t.test('a writer that is not the service is told as one', async () => {
    await query(String(env.DATABASE_URL), "update category set name = 'Facts' where slug = 'data'")
    await becomes(boss, ({ invalidations }) =>
      invalidations.some(({ by, tags }) => by === 'outside' && tags.some((tag) => tag.startsWith('categor')))
    )
  })
})
