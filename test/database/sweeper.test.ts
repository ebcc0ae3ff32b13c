import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Database } from '#database/database.ts'
import { Sweeper } from '#database/sweeper.ts'
import { until } from '../support/eventually.ts'
import { connectDatabase, leaveTags, startDatabase } from '../support/postgres-database.ts'
import { recordingLog } from '../support/recording-log.ts'

/** The time by which every unapplied row is applied. */
const BOUND_MS = 1500
/** Shorter than any interval, so an action within it was immediate. */
const AT_ONCE_MS = 250

const { url, database } = await startDatabase(t)
const other = await connectDatabase(t, url)

/** A running sweeper, and the tags that it has applied. */
function startSweeper(t: Test, { outbox }: Database) {
  const { log, written } = recordingLog()
  const state = { ready: true, broken: false, applied: [] as string[], gate: Promise.resolve() }
  const sweeper = new Sweeper({
    outbox,
    ready: () => state.ready,
    apply: async (tags) => {
      await state.gate
      if (state.broken) throw new Error('Redis is gone')
      state.applied.push(...tags)
    },
    log
  })
  t.teardown(() => sweeper.stop())
  sweeper.start()
  return { sweeper, state, written }
}

t.test('unapplied rows are applied within a second, but not before their writer had time to', async (t) => {
  const { state } = startSweeper(t, database)
  for (let i = 0; i < 2; i++) {
    await leaveTags(database, [`course:${i}`])
    const ms = await until(() => state.applied.includes(`course:${i}`), 5000)
    t.ok(ms < BOUND_MS && ms > 200, `${ms} ms`)
  }
  await until(async () => (await database.outbox.depth()) === 0, BOUND_MS)
})

t.test('a sweeper that is woken applies rows at once', async (t) => {
  const { sweeper, state } = startSweeper(t, database)
  await leaveTags(database, ['course:1'])
  sweeper.wake()
  const ms = await until(() => state.applied.length === 1, 5000)
  t.ok(ms < AT_ONCE_MS, `${ms} ms`)
})

t.test('a sweeper woken during a sweep sweeps again, so newer rows do not wait', async (t) => {
  const { sweeper, state } = startSweeper(t, database)
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  await leaveTags(database, ['course:1'])
  sweeper.wake()
  await sleep(50)
  await leaveTags(database, ['course:2'])
  sweeper.wake()
  gate.resolve()
  const ms = await until(() => state.applied.length === 2, 5000)
  t.ok(ms < AT_ONCE_MS, `${ms} ms`)
  t.same(state.applied, ['course:1', 'course:2'])
})

t.test('two sweepers in two processes apply each row once', async (t) => {
  const both = [startSweeper(t, database), startSweeper(t, other)]
  const tags = Array.from({ length: 60 }, (_, i) => `course:${i}`)
  for (const tag of tags) {
    await leaveTags(database, [tag])
    for (const { sweeper } of both) sweeper.wake()
  }
  const applied = () => both.flatMap(({ state }) => state.applied)
  await until(() => applied().length >= tags.length, 5000)
  await until(async () => (await database.outbox.depth()) === 0, BOUND_MS)
  t.same(applied().sort(), tags.sort())
})

t.test('many unapplied rows are applied just as soon', async (t) => {
  const { state } = startSweeper(t, database)
  await leaveTags(
    database,
    Array.from({ length: 2500 }, (_, i) => `course:${i}`)
  )
  const ms = await until(() => state.applied.length === 2500, 5000)
  t.ok(ms < BOUND_MS, `${ms} ms`)
  await until(async () => (await database.outbox.depth()) === 0, BOUND_MS)
})

t.test('rows that cannot be applied stay, with one log line per outage, and are applied afterwards', async (t) => {
  const { sweeper, state, written } = startSweeper(t, database)
  for (const outage of [1, 2]) {
    state.broken = true
    await leaveTags(database, [`course:${outage}`])
    const lines = () => written().match(/could not apply/g)?.length ?? 0
    for (let i = 0; i < 4; i++) {
      sweeper.wake()
      await until(() => lines() >= outage, BOUND_MS)
      await sleep(60)
    }
    t.equal(lines(), outage)
    t.equal(await database.outbox.depth(), 1)
    state.broken = false
    await until(() => state.applied.length === outage, BOUND_MS)
    await until(async () => (await database.outbox.depth()) === 0, BOUND_MS)
  }
  t.same(state.applied, ['course:1', 'course:2'])
})

t.test('the sweeper pauses while Redis is not trusted, and resumes afterwards', async (t) => {
  const { sweeper, state, written } = startSweeper(t, database)
  state.ready = false
  await leaveTags(database, ['course:1'])
  sweeper.wake()
  await sleep(400)
  t.same(state.applied, [])
  t.equal(written(), '')
  state.ready = true
  const ms = await until(() => state.applied.length === 1, 5000)
  t.ok(ms < BOUND_MS, `${ms} ms`)
})

t.test('a stopped sweeper finishes its current sweep, and starts no other', async (t) => {
  const { sweeper, state } = startSweeper(t, database)
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  await leaveTags(database, ['course:1'])
  sweeper.wake()
  await sleep(50)
  let stopped = false
  const stopping = sweeper.stop().then(() => {
    stopped = true
  })
  await sleep(50)
  t.equal(stopped, false)
  gate.resolve()
  await stopping
  t.same(state.applied, ['course:1'])
  t.equal(await database.outbox.depth(), 0)
  await leaveTags(database, ['course:2'])
  await sleep(650)
  t.equal(state.applied.length, 1)
})
