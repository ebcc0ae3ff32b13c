import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { readConfig } from '#config/config.ts'
import { buildApp } from '../../src/app.ts'
import { startReal } from '../support/both-ways.ts'
import { plainClient, present } from '../support/caches.ts'
import { until } from '../support/eventually.ts'
import { send } from '../support/http.ts'
import { NormalPath } from '../support/normal-path.ts'
import { copySeededDataDir } from '../support/seeded-data-dir.ts'
import { spawnService, startService, temporaryFolder } from '../support/service.ts'

const COURSE = '/api/v1/courses/1'
const SOON_MS = 2000

t.test('FRONT_DOOR=off disables the front door, and both settings give the same answers', async (t) => {
  const [on, off] = [new NormalPath(), new NormalPath()]
  const open = await startReal(t, {}, { extend: on.extend })
  const closed = await startService(t, { ...open.env, FRONT_DOOR: 'off' }, { extend: off.extend })
  const tag = (await send(open.url + COURSE)).headers.get('etag') ?? ''
  for (const headers of [{}, { 'if-none-match': tag }]) {
    const ask = (url: string) => () => send(url + COURSE, { headers })
    for (const { url } of [open, closed, open, closed, open]) await ask(url)()
    const door = await on.during(ask(open.url))
    const normal = await off.during(ask(closed.url))
    t.same([door.normal, normal.normal], [0, 1])
    t.same([door.answer.status, door.answer.body], [normal.answer.status, normal.answer.body])
    t.same([...door.answer.headers.keys()].sort(), [...normal.answer.headers.keys()].sort())
    const varying = /^(x-request-id|x-response-time|server-timing|date)$/
    for (const [name, value] of normal.answer.headers) {
      if (!varying.test(name)) t.equal(door.answer.headers.get(name), value, name)
    }
  }
})

t.test('every server that Fastify opens has the front door', async (t) => {
  const path = new NormalPath()
  const dataDir = await temporaryFolder(t)
  await copySeededDataDir(dataDir)
  const app: FastifyInstance = await buildApp(
    readConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent', RATE_LIMIT_ANONYMOUS: '0' }),
    path.extend
  )
  t.teardown(() => app.close())
  // Fastify opens a server for every address of this name.
  await app.listen({ port: 0, host: 'localhost' })
  const urls = app.addresses().flatMap((at) => {
    return typeof at === 'string' ? [] : `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
  })
  t.ok(urls.length > 0)
  for (let i = 0; i < 3; i++) await send(present(urls[0]) + COURSE)
  for (const url of urls) t.equal((await path.during(() => send(url + COURSE))).normal, 0, url)
})

t.test('with a lease of 0 Redis confirms every answer', async (t) => {
  const { env, redis, app: other } = await startReal(t)
  const path = new NormalPath()
  const { url } = await startService(t, { ...env, SEED: 'none', CACHE_L1_LEASE_MS: '0' }, { extend: path.extend })
  const title = async () => JSON.parse((await send(url + COURSE)).body).title
  for (let i = 0; i < 3; i++) await title()
  t.equal((await path.during(title)).normal, 0, 'the front door answers after it has asked Redis')
  const late: string[] = []
  for (let i = 0; i < 50; i++) {
    await other.database.client.course.update({ where: { id: 1 }, data: { title: `Title ${i}` } })
    const seen = await Promise.all([title(), title(), title()])
    if (seen.some((text) => text !== `Title ${i}`)) late.push(`${seen} after ${i}`)
    // The front door is to answer again before the next write.
    for (let read = 0; read < 3; read++) await title()
  }
  t.same(late, [], 'the next read sees a write of another process')
  t.equal((await path.during(title)).normal, 0)

  await redis.stop()
  t.equal(await title(), 'Title 49', 'without Redis the database answers')
})

t.test('the front door counts visitors towards the limit, and the normal path refuses them', async (t) => {
  const path = new NormalPath()
  const more = { RATE_LIMIT_ANONYMOUS: '5', REDIS_KEY_PREFIX: 'counted' }
  const { url, redis } = await startReal(t, more, { extend: path.extend })
  const counted = async () => Number(await plainClient(t, redis).get('counted:limit:ip:127.0.0.1'))
  const ask = () => path.during(() => send(url + COURSE))
  const served = []
  for (let i = 0; i < 5; i++) served.push(await ask())
  t.same(
    served.map(({ normal, answer }) => [normal, answer.status, answer.headers.get('x-ratelimit-remaining')]),
    [
      [1, 200, '4'],
      [1, 200, '3'],
      [1, 200, '2'],
      [0, 200, '1'],
      [0, 200, '0']
    ]
  )
  t.equal(await counted(), 5, 'each request counts once')
  for (const { headers } of served.map(({ answer }) => answer)) t.equal(headers.get('x-ratelimit-limit'), '5')
  for (let i = 0; i < 3; i++) {
    const { normal, answer } = await ask()
    t.same([normal, answer.status], [1, 429])
    t.same(JSON.parse(answer.body).code, 'RATE_LIMITED')
    t.equal(answer.headers.get('x-ratelimit-remaining'), '0')
    t.ok(Number(answer.headers.get('retry-after')) > 3500)
  }
  // A refused request is counted twice, by the front door and by the normal path. The window is fixed, so nobody waits longer for it.
  const total = await counted()
  t.ok(total >= 8 && total <= 11, String(total))
})

t.test('a log line of the front door has the same fields as any other', async (t) => {
  const dataDir = await temporaryFolder(t)
  await copySeededDataDir(dataDir)
  const service = await spawnService({ DATA_DIR: dataDir, RATE_LIMIT_ANONYMOUS: '0' })
  t.teardown(() => service.kill('SIGKILL'))
  const ids = ['miss', 'hit', 'door']
  for (const id of ids) await send(service.url + COURSE, { headers: { 'x-request-id': id } })
  const lines = () =>
    service
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'))
      .map((line) => JSON.parse(line))
  await until(() => lines().length >= ids.length, SOON_MS)
  const [miss, hit, door] = lines()
  t.same([miss.requestId, hit.requestId, door.requestId], ids)
  t.same(Object.keys(door).sort(), Object.keys(hit).sort())
  const { time, ms, requestId, ...rest } = door
  t.type(ms, 'number')
  t.match(hit, rest)
  t.match(rest, {
    level: 30,
    method: 'GET',
    url: COURSE,
    route: '/api/v1/courses/:id',
    status: 200,
    hits: 1,
    misses: 0
  })
})

t.test('changes that a plugin makes to one answer are not replayed to other clients', async (t) => {
  const changes: Record<string, (request: FastifyRequest, reply: FastifyReply, payload: unknown) => unknown> = {
    'a cookie': (request, reply, payload) => {
      reply.header('set-cookie', `visitor=${request.id}`)
      return payload
    },
    'a header of the request': (request, reply, payload) => {
      reply.header('x-nonce', request.id)
      return payload
    },
    'another body': (_request, _reply, payload) => (typeof payload === 'string' ? `{"data":${payload}}` : payload),
    'a Vary of its own': (_request, reply, payload) => {
      reply.header('vary', 'Origin, Accept-Language')
      return payload
    },
    'another Cache-Control': (_request, reply, payload) => {
      reply.header('cache-control', 'private')
      return payload
    }
  }
  const path = new NormalPath()
  let changed = ''
  const { url } = await startService(
    t,
    { RATE_LIMIT_ANONYMOUS: '0' },
    {
      extend: (app) => {
        path.extend(app)
        app.addHook('onSend', async (request, reply, payload) => changes[changed]?.(request, reply, payload) ?? payload)
      }
    }
  )
  for (const [i, name] of Object.keys(changes).entries()) {
    changed = name
    const target = `${url}/api/v1/courses/${i + 1}`
    for (let read = 0; read < 5; read++) {
      const { normal } = await path.during(() => send(target, { headers: { 'accept-encoding': 'identity' } }))
      t.equal(normal, 1, `${name}, ${read}`)
    }
  }
})
