import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { send } from '../support/http.ts'
import { RedisServer } from '../support/redis.ts'
import { type Service, startService } from '../support/service.ts'

/** A route that is not cached, so that Fastify answers each request. */
const PATH = '/api/v1/auth/session'

/** The result of `consumeVisitorLimit` for a request, and the rate limit headers of Fastify's answer to it. */
async function both({ app, url }: Service, headers: Record<string, string> = {}) {
  let counted: ReturnType<typeof app.consumeVisitorLimit> = null
  app.server.prependOnceListener('request', (raw: IncomingMessage) => {
    counted = app.consumeVisitorLimit(raw)
  })
  const answer = await send(url + PATH, { headers })
  const isPromise = Object(counted) instanceof Promise
  return { isPromise, counted: await counted, answer }
}

async function sameAsFastify(t: Test, service: Service): Promise<void> {
  const { counted, answer } = await both(service)
  const limits = [...answer.headers].filter(([name]) => name.startsWith('x-ratelimit-'))
  t.same(Object.keys(counted ?? {}).toSorted(), limits.map(([name]) => name).toSorted())
  t.match(counted, { 'x-ratelimit-limit': '4', 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '3600' })
  t.match(Object.fromEntries(limits), { 'x-ratelimit-limit': '4', 'x-ratelimit-remaining': '2' })
  t.match(Object.fromEntries(limits)['x-ratelimit-reset'], /^3[56]\d\d$/)
  const last = await both(service)
  t.match(last.counted, { 'x-ratelimit-remaining': '1' })
  t.equal(last.answer.headers.get('x-ratelimit-remaining'), '0')
  const refused = await both(service)
  t.equal(refused.counted, null)
  t.equal(refused.answer.status, 429)
}

t.test('a visitor is counted the same way in front of Fastify and by Fastify', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())

  await t.test('synchronously, where the process counts for itself', async (t) => {
    const service = await startService(t, { RATE_LIMIT_ANONYMOUS: '4' })
    await sameAsFastify(t, service)
    t.equal((await both(service)).isPromise, false)
  })

  await t.test('in Redis, where it is configured', async (t) => {
    const service = await startService(t, { RATE_LIMIT_ANONYMOUS: '4', REDIS_URL: server.url })
    await sameAsFastify(t, service)
    t.equal((await both(service)).isPromise, true)
  })

  await t.test('by the client address that a trusted proxy forwards', async (t) => {
    for (const TRUST_PROXY of ['true', '1', 'loopback, 10.0.0.0/8']) {
      const service = await startService(t, { RATE_LIMIT_ANONYMOUS: '9', TRUST_PROXY })
      const addresses = ['192.0.2.1:80', '192.0.2.1', '[2001:db8::1]:443', '2001:db8::2', '192.0.2.1']
      const remaining = []
      for (const address of addresses) {
        const { counted, answer } = await both(service, { 'x-forwarded-for': address })
        remaining.push([counted?.['x-ratelimit-remaining'], answer.headers.get('x-ratelimit-remaining')])
      }
      t.same(
        remaining,
        [
          ['8', '7'],
          ['6', '5'],
          ['8', '7'],
          ['6', '5'],
          ['4', '3']
        ],
        TRUST_PROXY
      )
    }
  })

  await t.test('not at all, where the limit is off', async (t) => {
    const { counted, answer } = await both(await startService(t, { RATE_LIMIT_ANONYMOUS: '0' }))
    t.same(counted, {})
    t.equal(answer.headers.get('x-ratelimit-limit'), null)
  })
})
