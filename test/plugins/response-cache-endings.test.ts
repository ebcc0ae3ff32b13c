import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ApiError } from '#http/errors.ts'
import { bothWays } from '../support/both-ways.ts'
import { timed } from '../support/eventually.ts'
import { type Answer, send } from '../support/http.ts'
import {
  ARRIVED_MS,
  gated,
  HANDLER_TIMEOUT_MS,
  outcome,
  ScriptedRoutes,
  said,
  says
} from '../support/scripted-routes.ts'

const MAX_LOAD_MS = 1500

const routes = new ScriptedRoutes()
const never = () => new Promise(() => {})

const ways = { extension: { extend: routes.extend, maxLoadMs: MAX_LOAD_MS } }
bothWays(
  t,
  async (t, { url }) => {
    const ask = (name: string, init?: RequestInit) => send(`${url}/scripted/${name}`, init)
    const askTimed = (name: string) => send(`${url}/timed/${name}`)
    const several = (task: () => Promise<Answer>) => Promise.all([task(), task(), task()])
    /** Sends a request, and closes the connection on demand. */
    const client = (name: string) => {
      const { signal, abort } = withAbort()
      const left = ask(name, { signal }).then(
        () => false,
        () => true
      )
      return { left, hangUp: abort }
    }

    await t.test('a handler that throws fails the waiting requests too, and the next request loads', async (t) => {
      const failures: [number, Error][] = [
        [500, new Error('a fault')],
        [503, new ApiError(503, 'DATABASE_DOWN', 'it is down')]
      ]
      for (const [status, error] of failures) {
        const failing = gated(() => {
          throw error
        })
        const name = routes.name(failing.handler, says('loaded'))
        const first = ask(name)
        await failing.started
        const waiting = several(() => ask(name))
        await sleep(ARRIVED_MS)
        failing.finish()
        for (const answer of [await first, ...(await waiting)]) {
          t.equal(answer.status, status)
          t.equal(answer.headers.get('etag'), null)
          t.equal(answer.headers.get('cache-control'), 'no-store')
        }
        t.equal(routes.loads(name), 1, 'no waiting request has loaded')
        t.same(outcome(await ask(name)), said('MISS', 'loaded'))
        t.same(outcome(await ask(name)), said('HIT', 'loaded'))
        t.equal(routes.loads(name), 2)
      }
    })

    await t.test(
      'when the client of a load hangs up, the load is still cached and answers the waiting requests',
      async (t) => {
        const load = gated(says('loaded'))
        const name = routes.name(load.handler)
        const gone = client(name)
        await load.started
        const waiting = several(() => ask(name))
        await sleep(ARRIVED_MS)
        gone.hangUp()
        t.ok(await gone.left)
        await sleep(ARRIVED_MS)
        load.finish()
        for (const answer of await waiting) t.same(outcome(answer), said('MISS', 'loaded'))
        t.same(outcome(await ask(name)), said('HIT', 'loaded'))
        t.equal(routes.loads(name), 1)
      }
    )

    await t.test('a client that hangs up while waiting delays no other, even if the load passes to it', async (t) => {
      const refused = gated((_request, reply) => reply.code(202).send({ text: 'later' }))
      const name = routes.name(refused.handler, says('loaded'))
      const first = ask(name)
      await refused.started
      const gone = client(name)
      await sleep(ARRIVED_MS)
      const waiting = ask(name)
      await sleep(ARRIVED_MS)
      gone.hangUp()
      t.ok(await gone.left)
      await sleep(ARRIVED_MS)
      refused.finish()
      t.equal((await first).status, 202)
      const [answer, ms] = await timed(() => waiting)
      t.same(outcome(answer), said('MISS', 'loaded'))
      t.ok(ms < MAX_LOAD_MS / 2, `after ${ms} ms`)
      t.equal(routes.loads(name), 2)
    })

    await t.test('handlerTimeout ends the load, and a later result of the handler is ignored', async (t) => {
      const late = gated(says('late'))
      const name = routes.name(late.handler, says('loaded'))
      const first = askTimed(name)
      await late.started
      const waiting = several(() => ask(name))
      const failed = await first
      t.same([failed.status, failed.headers.get('retry-after')], [503, '5'])
      const [answers, ms] = await timed(() => waiting)
      t.ok(ms < MAX_LOAD_MS / 2, `the waiting requests are answered after ${ms} ms`)
      for (const answer of answers) t.equal(answer.status, failed.status)
      t.equal(routes.loads(name), 1)
      t.same(outcome(await askTimed(name)), said('MISS', 'loaded'))
      late.finish()
      await sleep(ARRIVED_MS)
      t.same(outcome(await ask(name)), said('HIT', 'loaded'))
      t.equal(routes.loads(name), 2)
    })

    await t.test('a load that passes to a request that has timed out passes on to the next', async (t) => {
      const refused = gated((_request, reply) => reply.code(202).send({ text: 'later' }))
      const name = routes.name(refused.handler, says('loaded'))
      const first = ask(name)
      await refused.started
      t.equal((await askTimed(name)).status, 503, `it has waited for ${HANDLER_TIMEOUT_MS} ms`)
      refused.finish()
      t.equal((await first).status, 202)
      const [answer, ms] = await timed(() => ask(name))
      t.same(outcome(answer), said('MISS', 'loaded'))
      t.ok(ms < MAX_LOAD_MS / 2, `after ${ms} ms`)
    })

    await t.test('a handler that never answers delays others for no longer than the deadline of a load', async (t) => {
      const name = routes.name(never, says('loaded'))
      const gone = client(name)
      await sleep(ARRIVED_MS)
      const [answers, ms] = await timed(() => several(() => ask(name)))
      for (const answer of answers) t.same(outcome(answer), said('MISS', 'loaded'))
      t.ok(ms > MAX_LOAD_MS - 2 * ARRIVED_MS && ms < 2 * MAX_LOAD_MS, `after ${ms} ms`)
      t.same(outcome(await ask(name)), said('HIT', 'loaded'))
      t.equal(routes.loads(name), 2)
      gone.hangUp()
      t.ok(await gone.left)
    })

    await t.test('a result after that deadline answers its own request, and is not cached', async (t) => {
      const late = gated(says('late'))
      const name = routes.name(late.handler, says('loaded'))
      const first = ask(name)
      await late.started
      t.same(outcome(await ask(name)), said('MISS', 'loaded'))
      late.finish()
      t.same(outcome(await first), said('MISS', 'late'))
      t.same(outcome(await ask(name)), said('HIT', 'loaded'))
    })
  },
  ways
)

function withAbort() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
