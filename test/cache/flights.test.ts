import t from 'tap'
import { createEntry } from '../../src/cache/entry.ts'
import { Flight, Flights } from '../../src/cache/read/flights.ts'
import { Source } from '../support/caches.ts'

/** Loads text through flights, as a reader and its ticket do. */
async function run(
  flights: Flights,
  name: string,
  load: () => Promise<string>,
  holds: (text: string) => boolean = () => true
) {
  const joined = await flights.join(name, ({ entry }) => holds(entry.value))
  if (!(joined instanceof Flight)) return joined.entry.value
  try {
    const entry = createEntry('test', await load())
    joined.land({ entry, check: { watches: [], tick: 0, at: 0 } })
    return entry.value
  } catch (error) {
    joined.abandon(error)
    throw error
  }
}

t.test('a hundred concurrent calls share one load and its answer', async (t) => {
  const flights = new Flights()
  const source = new Source('one')
  const answers = await Promise.all(Array.from({ length: 100 }, () => run(flights, 'key', source.load)))
  t.equal(source.loads, 1)
  t.ok(answers.every((answer) => answer === 'one'))
})

t.test('a call joins a load in progress, however late', async (t) => {
  const flights = new Flights()
  const source = new Source('one')
  const gated = source.gated()
  const first = run(flights, 'key', gated.load)
  await gated.started
  const second = run(flights, 'key', source.load)
  gated.finish()
  t.same(await Promise.all([first, second]), ['one', 'one'])
  t.equal(source.loads, 1)
})

t.test('a call after the end of a flight starts a new one', async (t) => {
  const flights = new Flights()
  const source = new Source('one')
  t.equal(await run(flights, 'key', source.load), 'one')
  source.value = 'two'
  t.equal(await run(flights, 'key', source.load), 'two')
})

t.test('each key has its own flight', async (t) => {
  const flights = new Flights()
  const source = new Source('one')
  await Promise.all(['a', 'b', 'a', 'b'].map((key) => run(flights, key, source.load)))
  t.equal(source.loads, 2)
})

t.test('callers that joined a load with an outdated answer share a later load', async (t) => {
  const flights = new Flights()
  const source = new Source('old')
  const gated = source.gated()
  const first = run(flights, 'key', gated.load, () => false)
  await gated.started
  const joined = Array.from({ length: 5 }, () => run(flights, 'key', source.load, (text) => text === 'new'))
  source.value = 'new'
  gated.finish()
  t.equal(await first, 'old', 'the caller that loads keeps its own answer')
  t.same(await Promise.all(joined), Array(5).fill('new'))
  t.equal(source.loads, 2)
})

t.test('an error reaches every waiter, and is not cached', async (t) => {
  const flights = new Flights()
  let calls = 0
  const fail = async () => {
    calls++
    throw new Error('broken')
  }
  const answers = await Promise.allSettled(Array.from({ length: 3 }, () => run(flights, 'key', fail)))
  for (const { status } of answers) t.equal(status, 'rejected')
  t.equal(calls, 1)
  t.equal(await run(flights, 'key', async () => 'fine'), 'fine')
})

t.test('a load abandoned without an error passes to the next waiter, who loads for all', async (t) => {
  const flights = new Flights()
  const flight = await flights.join('key', () => true)
  if (!(flight instanceof Flight)) throw new Error('there was no flight to join')
  const source = new Source('one')
  const waiting = Array.from({ length: 5 }, () => run(flights, 'key', source.load))
  flight.abandon()
  t.same(await Promise.all(waiting), Array(5).fill('one'))
  t.equal(source.loads, 1)
})
