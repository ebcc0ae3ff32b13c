import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Counters } from '#limits/counters.ts'
import { connectRedis } from '#redis/connect.ts'
import { OncePerTurn } from '#redis/once-per-turn.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { RedisServer } from '../support/redis.ts'

t.test('callers in one turn of the event loop share one call, which starts after the last of them', async (t) => {
  const put: string[] = []
  let truth = 0
  const questions = new OncePerTurn<string>()
  const ask = (question: string) =>
    questions.ask(question, async () => {
      put.push(question)
      return `${question} ${truth}`
    })
  const first = ask('a')
  truth = 1
  // A caller that joins still gets an answer newer than its own call.
  const joined = ask('a')
  const other = ask('b')
  t.same(await Promise.all([first, joined, other]), ['a 1', 'a 1', 'b 1'])
  t.same(put, ['a', 'b'])
})

t.test('no caller joins a call that has started', async (t) => {
  const answers: (() => void)[] = []
  let put = 0
  const questions = new OncePerTurn<number>()
  const ask = () =>
    questions.ask('a', () => {
      const mine = ++put
      return new Promise((resolve) => answers.push(() => resolve(mine)))
    })
  const first = ask()
  await sleep(5)
  t.equal(put, 1, 'started, but not answered yet')
  const second = ask()
  await sleep(5)
  for (const answer of answers) answer()
  t.same(await Promise.all([first, second]), [1, 2])
})

t.test('a failure reaches all callers of the turn, and no later one', async (t) => {
  let fails = true
  const questions = new OncePerTurn<string>()
  const ask = () =>
    questions.ask('a', async () => {
      if (fails) throw new Error('down')
      return 'up'
    })
  const both = [ask(), ask()]
  t.same(
    (await Promise.allSettled(both)).map(({ status }) => status),
    ['rejected', 'rejected']
  )
  fails = false
  t.equal(await ask(), 'up')
})

t.test('requests counted in one batch get distinct positions, across processes too', async (t) => {
  const server = await RedisServer.start()
  const clients = [connectRedis(server.url), connectRedis(server.url)]
  t.teardown(async () => {
    for (const client of clients) closeRedis(client)
    await server.stop()
  })
  await Promise.all(clients.map((client) => new Promise<void>((resolve) => client.once('ready', () => resolve()))))
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const processes = clients.map((client) => new Counters(client, 'test', log))
  const places: number[] = []
  for (let turn = 0; turn < 20; turn++) {
    const counts = processes.flatMap((counters) => Array.from({ length: 7 }, () => counters.increment('ip', 60_000)))
    for (const { current, ttl } of await Promise.all(counts)) {
      places.push(current)
      t.ok(ttl > 50_000 && ttl <= 60_000)
    }
  }
  t.same(
    places.toSorted((a, b) => a - b),
    Array.from({ length: 280 }, (_, i) => i + 1)
  )
})
