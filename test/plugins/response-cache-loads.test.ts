import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { bothWays, startReal } from '../support/both-ways.ts'
import { timed } from '../support/eventually.ts'
import { type Answer, send } from '../support/http.ts'
import { ARRIVED_MS, BRIEF_MS, gated, outcome, ScriptedRoutes, said, says } from '../support/scripted-routes.ts'
import { startService } from '../support/service.ts'

/** Far less than the deadline of a load. */
const PROMPT_MS = 5000

const routes = new ScriptedRoutes()

bothWays(
  t,
  async (t, { app, url }) => {
    const ask = (name: string, init?: RequestInit) => send(`${url}/scripted/${name}`, init)
    const several = (task: () => Promise<Answer>) => Promise.all([task(), task(), task()])

    await t.test('a HEAD that misses caches the whole body for the GET that follows', async (t) => {
      const name = routes.name(says('loaded'))
      const head = await ask(name, { method: 'HEAD' })
      const get = await ask(name)
      t.same(outcome(head), [200, 'MISS', ''])
      t.same(outcome(get), said('HIT', 'loaded'))
      for (const header of ['etag', 'content-length', 'content-type', 'cache-control']) {
        t.ok(get.headers.get(header), header)
        t.equal(head.headers.get(header), get.headers.get(header), header)
      }
      t.equal(routes.loads(name), 1)
    })

    await t.test('a missing record is looked up once, and is seen as soon as it exists', async (t) => {
      const missing = () => {
        throw new NotFoundError('course')
      }
      const name = routes.name(missing, says('loaded'))
      const [first, second] = [await ask(name), await ask(name)]
      t.same([first.status, first.headers.get('x-cache')], [404, 'MISS'])
      t.same([second.status, second.headers.get('x-cache'), second.headers.get('x-cache-hits')], [404, 'MISS', '0'])
      const messages = [first, second].map(({ body }) => JSON.parse(body).message)
      t.same(messages, ['course not found', 'course not found'])
      t.equal(second.headers.get('cache-control'), 'no-store')
      t.equal(routes.loads(name), 1)
      await app.coherentCache.invalidate([`course:${name}`])
      t.same(outcome(await ask(name)), said('MISS', 'loaded'))
    })

    await t.test('a published course is seen at once by clients that got a 404 before', async (t) => {
      const { client } = app.database
      const course = () => send(`${url}/api/v1/courses/3`)
      await client.course.update({ where: { id: 3 }, data: { status: 'draft' } })
      const found = []
      for (let i = 0; i < 3; i++) found.push(await course())
      t.same(
        found.map(({ status, headers }) => [status, headers.get('x-cache')]),
        [
          [404, 'MISS'],
          [404, 'MISS'],
          [404, 'MISS']
        ]
      )
      await client.course.update({ where: { id: 3 }, data: { status: 'published' } })
      t.same([(await course()).status, (await course()).headers.get('x-cache')], [200, 'HIT'])
    })

    await t.test(
      'an expired entry is served as STALE while the load fails; a 403 is an answer, not a failure',
      async (t) => {
        const down = () => {
          throw new Error('the database is gone')
        }
        const name = routes.name(says('old'), down, says('new'))
        const brief = () => send(`${url}/brief/${name}`)
        const before = await brief()
        t.same(outcome(before), said('MISS', 'old'))
        await sleep(2 * BRIEF_MS)
        const stale = await brief()
        t.same(outcome(stale), said('STALE', 'old'))
        for (const header of ['etag', 'cache-control', 'content-type', 'content-length']) {
          t.equal(stale.headers.get(header), before.headers.get(header), header)
        }
        t.same([stale.headers.get('x-cache-hits'), stale.headers.get('x-cache-misses')], ['0', '1'])
        t.same(outcome(await brief()), said('MISS', 'new'))

        const refused = routes.name(says('old'), () => {
          throw new ApiError(403, 'NOT_YOURS', 'no')
        })
        await send(`${url}/brief/${refused}`)
        await sleep(2 * BRIEF_MS)
        t.equal((await send(`${url}/brief/${refused}`)).status, 403)
      }
    )

    await t.test('a 400 builds no key and does not query the cache', async (t) => {
      const { specs } = routes
      const before = app.cacheParts.meter.of('course:1').misses
      for (const method of ['GET', 'HEAD']) {
        const { status, headers } = await ask('NO-NAME', { method })
        t.equal(status, 400)
        t.equal(headers.get('x-cache'), null)
        t.same([headers.get('x-cache-hits'), headers.get('x-cache-misses')], ['0', '0'])
        t.equal(headers.get('etag'), null)
      }
      t.same([routes.specs, app.cacheParts.meter.of('course:1').misses], [specs, before])
    })

    await t.test(
      'streams and answers other than 200 are not cached; waiting requests load for themselves',
      async (t) => {
        const answers = {
          202: gated((_request, reply) => reply.code(202).send({ text: 'later' })),
          200: gated((_request, reply) => reply.type('text/plain').send(Readable.from(['a stream'])))
        }
        for (const [status, { handler, started, finish }] of Object.entries(answers)) {
          const name = routes.name(handler, says('loaded'))
          const first = ask(name)
          await started
          const waiting = several(() => ask(name))
          await sleep(ARRIVED_MS)
          finish()
          const answer = await first
          t.equal(answer.status, Number(status))
          t.equal(answer.headers.get('etag'), null)
          t.equal(answer.headers.get('cache-control'), 'no-store')
          const [others, ms] = await timed(() => waiting)
          for (const answer of others) t.same(outcome(answer), said('MISS', 'loaded'))
          t.ok(ms < PROMPT_MS, `after ${ms} ms`)
          t.same(outcome(await ask(name)), said('HIT', 'loaded'))
          t.equal(routes.loads(name), 2)
        }
      }
    )

    await t.test('dependOn: invalidating a tag that the load added invalidates the entry', async (t) => {
      const tag = 'user:77:name'
      const name = routes.name(async (request) => {
        await request.dependOn([tag])
        return { text: 'loaded' }
      })
      for (const cache of ['MISS', 'HIT']) t.same(outcome(await ask(name)), said(cache, 'loaded'))
      await app.coherentCache.invalidate([tag])
      for (const cache of ['MISS', 'HIT']) t.same(outcome(await ask(name)), said(cache, 'loaded'))
    })

    await t.test('dependOn: a load that raced a write is not cached', async (t) => {
      const tag = 'user:78:name'
      const reading = gated(says('old'))
      const name = routes.name(async (request, reply) => {
        await request.dependOn([tag])
        return reading.handler(request, reply)
      }, says('new'))
      const first = ask(name)
      await reading.started
      await app.coherentCache.invalidate([tag])
      const second = ask(name)
      await sleep(ARRIVED_MS)
      reading.finish()
      t.same(outcome(await first), said('MISS', 'old'), 'it began before the write')
      t.same(outcome(await second), said('MISS', 'new'), 'it began after the write')
      t.same(outcome(await ask(name)), said('HIT', 'new'))
    })

    await t.test('a hundred concurrent cold requests share one load', async (t) => {
      const load = gated(says('loaded'))
      const name = routes.name(load.handler)
      const answers = Promise.all(Array.from({ length: 100 }, () => ask(name)))
      await load.started
      await sleep(ARRIVED_MS)
      load.finish()
      // The last requests may arrive after the load.
      for (const { status, body } of await answers) t.same([status, body], [200, '{"text":"loaded"}'])
      t.equal(routes.loads(name), 1)
    })
  },
  { extension: { extend: routes.extend } }
)

t.test('cold requests to two processes on one Redis share one load', async (t) => {
  const one = await startReal(t, {}, { extend: routes.extend })
  const other = await startService(t, one.env, { extend: routes.extend })
  const load = gated(says('loaded'))
  const name = routes.name(load.handler)
  const asked = [one, other].flatMap(({ url }) => Array.from({ length: 50 }, () => send(`${url}/scripted/${name}`)))
  await load.started
  await sleep(ARRIVED_MS)
  load.finish()
  const answers = await Promise.all(asked)
  t.same(
    [...new Set(answers.map(({ status, body }) => [status, body].join()))],
    [`200,${JSON.stringify({ text: 'loaded' })}`]
  )
  t.equal(new Set(answers.map(({ headers }) => headers.get('etag'))).size, 1)
  t.equal(routes.loads(name), 1)
})
