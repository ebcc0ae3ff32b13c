import t from 'tap'
import { SingleFlight } from '../../src/cache/read/single-flight.ts'
import { Source } from '../support/caches.ts'

t.test('a hundred calls at once are one load, and get the same answer', async (t) => {
  const flights = new SingleFlight<{ id: number }>()
  const source = new Source({ id: 1 })
  const answers = await Promise.all(Array.from({ length: 100 }, () => flights.run('key', source.load)))
  t.equal(source.loads, 1)
  t.ok(answers.every((answer) => answer === answers[0]))
})

t.test('a call joins one that is under way, however late', async (t) => {
  const flights = new SingleFlight<number>()
  const source = new Source(1)
  const gated = source.gated()
  const first = flights.run('key', gated.load)
  await gated.started
  const second = flights.run('key', source.load)
  gated.finish()
  t.same(await Promise.all([first, second]), [1, 1])
  t.equal(source.loads, 1)
})

t.test('what has ended is not remembered', async (t) => {
  const flights = new SingleFlight<number>()
  const source = new Source(1)
  t.equal(await flights.run('key', source.load), 1)
  source.value = 2
  t.equal(await flights.run('key', source.load), 2)
})

t.test('another key is another flight', async (t) => {
  const flights = new SingleFlight<number>()
  const source = new Source(1)
  await Promise.all(['a', 'b', 'a', 'b'].map((key) => flights.run(key, source.load)))
  t.equal(source.loads, 2)
})

t.test(
  'who joined a call whose answer does not hold for it gets one that began later, together with the others',
  async (t) => {
    const flights = new SingleFlight<number>()
    const source = new Source(1)
    const gated = source.gated()
    const first = flights.run('key', gated.load, () => false)
    await gated.started
    const joined = Array.from({ length: 5 }, () => flights.run('key', source.load, (value) => value > 1))
    source.value = 2
    gated.finish()
    t.equal(await first, 1, 'who began it is not asked')
    t.same(await Promise.all(joined), [2, 2, 2, 2, 2])
    t.equal(source.loads, 2)
  }
)

t.test('an error reaches every waiter, and is not remembered', async (t) => {
  const flights = new SingleFlight<number>()
  let calls = 0
  const fail = async () => {
    calls++
    throw new Error('broken')
  }
  const answers = await Promise.allSettled([
    flights.run('key', fail),
    flights.run('key', fail),
    flights.run('key', fail)
  ])
  t.same(
    answers.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected']
  )
  t.equal(calls, 1)
  t.equal(await flights.run('key', async () => 7), 7)
})

t.test('a load that throws at once is an error like any other', async (t) => {
  const flights = new SingleFlight<number>()
  const broken = (): Promise<number> => {
    throw new Error('broken at once')
  }
  await t.rejects(async () => flights.run('key', broken), { message: 'broken at once' })
  t.equal(await flights.run('key', async () => 7), 7)
})
