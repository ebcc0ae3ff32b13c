import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { CacheMeter } from '../../src/cache/meter.ts'
import { Breaker } from '../../src/cache/trust/breaker.ts'
import { until } from '../support/eventually.ts'
import { recordingLog } from '../support/recording-log.ts'

const SOON_MS = 1000
const broken = async () => {
  throw new Error('broken')
}

/** A breaker whose probes get the result of `store.probe`. */
function breakerOver(probe: () => Promise<void> = async () => {}) {
  const store = { probe, probes: 0, opened: 0 }
  const { log, written } = recordingLog()
  const breaker = new Breaker({
    ready: () => true,
    probe: () => {
      store.probes++
      return store.probe()
    },
    opened: () => void store.opened++,
    meter: new CacheMeter(),
    log
  })
  t.teardown(() => breaker.stop())
  return { breaker, store, logged: written }
}

async function closedBreaker() {
  const parts = breakerOver()
  await parts.breaker.probe()
  return parts
}

t.test('the breaker is open until the first probe succeeds', async (t) => {
  const { breaker, store } = breakerOver()
  t.equal(breaker.closed, false)
  await breaker.probe()
  t.equal(breaker.closed, true)
  t.equal(store.probes, 1)
  t.equal(store.opened, 0)
})

t.test('three failures in a row open the breaker, two do not', async (t) => {
  const { breaker, store } = await closedBreaker()
  const fail = () => t.rejects(breaker.run(broken), { message: 'broken' })
  await fail()
  await fail()
  t.equal(await breaker.run(async () => 7), 7, 'a success resets the count')
  await fail()
  await fail()
  t.equal(breaker.closed, true)
  store.probe = broken
  await fail()
  t.equal(breaker.closed, false)
  t.equal(store.opened, 1)
})

t.test('the breaker probes until a probe succeeds, and then closes', async (t) => {
  const { breaker, store, logged } = await closedBreaker()
  store.probe = broken
  breaker.open(new Error('gone'))
  t.equal(breaker.closed, false, 'it opens at once')
  await until(() => store.probes >= 3, SOON_MS)
  t.equal(breaker.closed, false)
  store.probe = async () => {}
  await until(() => breaker.closed, SOON_MS)
  t.equal(logged().match(/not trusted/g)?.length, 1, 'one log line per outage')
})

t.test('failures before an outage do not count after it', async (t) => {
  const { breaker } = await closedBreaker()
  for (let i = 0; i < 3; i++) await t.rejects(breaker.run(broken))
  await until(() => breaker.closed, SOON_MS)
  for (let i = 0; i < 2; i++) await t.rejects(breaker.run(broken))
  t.equal(breaker.closed, true)
})

t.test('a failure during a probe causes another probe, as the first may predate the failure', async (t) => {
  const { breaker, store } = breakerOver()
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  store.probe = () => gates[store.probes - 1]?.promise ?? Promise.resolve()
  const trusted = breaker.probe()
  breaker.open(new Error('an invalidation was not acknowledged'))
  gates[0]?.resolve()
  await until(() => store.probes === 2, SOON_MS)
  t.equal(breaker.closed, false)
  gates[1]?.resolve()
  await trusted
  t.equal(breaker.closed, true)
})

t.test('one probe runs at a time, however many callers ask', async (t) => {
  const { breaker, store } = breakerOver()
  let [now, most] = [0, 0]
  store.probe = async () => {
    most = Math.max(most, ++now)
    await sleep(5)
    now--
  }
  breaker.open(new Error('gone'))
  await Promise.all([breaker.probe(), breaker.probe(), breaker.probe()])
  t.equal(most, 1)
  t.equal(breaker.closed, true)
})

t.test('the breaker probes until it closes, at whatever moment it opens', async (t) => {
  for (let microtasks = 0; microtasks < 12; microtasks++) {
    const { breaker, store } = breakerOver()
    let opened = false
    store.probe = async () => {
      if (opened) return
      opened = true
      // Delay by that many microtasks after the probe.
      void (async () => {
        for (let i = 0; i < microtasks; i++) await null
        breaker.open(new Error('gone'))
      })()
    }
    void breaker.probe()
    await sleep(1)
    await until(() => breaker.closed, SOON_MS).catch(() =>
      t.fail(`the breaker stays open if it opens ${microtasks} microtasks later`)
    )
  }
})

t.test('a stopped breaker neither opens nor probes', async (t) => {
  const { breaker, store } = await closedBreaker()
  breaker.stop()
  breaker.open(new Error('the connection was closed'))
  t.equal(breaker.closed, true)
  t.equal(store.probes, 1)
})

t.test('a stop ends the probes, and releases whoever waits for them', async (t) => {
  const { breaker, store } = breakerOver(broken)
  let ended = false
  void breaker.probe().then(() => {
    ended = true
  })
  await until(() => store.probes >= 1, SOON_MS)
  t.equal(ended, false)
  breaker.stop()
  await until(() => ended, SOON_MS)
  t.equal(breaker.closed, false)
  const { probes } = store
  await sleep(300)
  t.equal(store.probes, probes)
})
