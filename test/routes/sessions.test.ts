import t, { type Test } from 'tap'
import { AdminSessionPage } from '#sessions/shapes.ts'
import { Actor, ADMIN, admin, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { query } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { bodyOf, lookInto, SessionList, spawnFor, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const PATH = '/api/v1/auth/sessions'
const ME = '/api/v1/users/me'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'

const listOf = async (actor: Actor) => (await bodyOf(SessionList, await actor.get(PATH))).items
const currentOf = async (actor: Actor) => (await listOf(actor)).find(({ current }) => current)?.id ?? 0
const end = (actor: Actor, id: number) => statusOf(actor.request('DELETE', `${PATH}/${id}`))

async function again(url: string, name: string, headers: Record<string, string> = {}): Promise<Actor> {
  const credentials = { email: `${name}@example.org`, password: `password of ${name}` }
  const answer = await new Actor(url).request('POST', '/api/v1/auth/login', credentials, headers)
  return new Actor(url, answer.headers.getSetCookie()[0]?.split(';')[0])
}

t.test('a user sees his sessions, and can end any of them', async (t) => {
  const { url } = await startService(t, { ...peopleEnvironment, TRUST_PROXY: 'true' })
  const ann = await register(url, 'ann')
  const phone = await again(url, 'ann', { 'user-agent': FIREFOX, 'x-forwarded-for': '203.0.113.77' })
  const ben = await register(url, 'ben')

  const [latest, first] = await listOf(phone)
  t.match(latest, { device: 'Firefox on Linux', network: '203.0.113.0/24', current: true })
  t.match(first, { network: '127.0.0.0/24', current: false })
  t.same(
    (await listOf(ann)).map(({ current }) => current),
    [false, true]
  )
  t.equal((await listOf(ben)).length, 1, 'sessions of other users are not listed')

  t.equal(await end(ben, latest?.id ?? 0), 404, 'they cannot be ended')
  t.equal(await statusOf(phone.get(ME)), 200)
  t.equal(await end(ann, latest?.id ?? 0), 204)
  t.equal(await statusOf(phone.get(ME)), 401)
  t.equal(await end(ann, latest?.id ?? 0), 404)

  const answer = await ann.request('DELETE', `${PATH}/${first?.id}`)
  t.equal(answer.status, 204, 'the own one, too')
  t.match(answer.headers.getSetCookie()[0], /^sid=; .*Expires=Thu, 01 Jan 1970/)
  t.equal(await statusOf(ann.get(ME)), 401)
  t.equal(await statusOf(ben.request('DELETE', `${PATH}/x`)), 400)
})

t.test('ended sessions disappear from the list', async (t) => {
  const { url } = await startService(t, peopleEnvironment)
  const ann = await register(url, 'ann')
  const other = await again(url, 'ann')
  t.equal(await statusOf(other.request('POST', '/api/v1/auth/logout')), 204)
  t.equal((await listOf(ann)).length, 1)
  await again(url, 'ann')
  const change = { current: 'password of ann', next: 'another password' }
  const changed = await ann.request('POST', '/api/v1/auth/password', change)
  ann.cookie = changed.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  t.match(await listOf(ann), [{ current: true }])
})

t.test('an admin sees the sessions of all users, and can end any of them', async (t) => {
  const service = await startService(t, peopleEnvironment)
  const { url } = service
  const boss = await admin(service)
  const ann = await register(url, 'ann')
  const phone = await again(url, 'ann', { 'user-agent': FIREFOX })
  const ben = await register(url, 'ben')
  t.equal(await statusOf(ben.request('POST', '/api/v1/auth/logout-everywhere')), 204)
  const list = async (query = '') => bodyOf(AdminSessionPage, await boss.get(`/api/v1/admin/sessions${query}`))

  const { items, total } = await list()
  t.equal(total, 3)
  t.match(items, [
    { user: { name: 'ann', email: 'ann@example.org' }, device: 'Firefox on Linux', current: false },
    { user: { name: 'ann' } },
    { user: { email: ADMIN.email }, current: true }
  ])
  t.same((await list('?search=ANN@&limit=1&page=2')).items, [items[1]])
  t.match(await list('?search=%25'), { total: 0 })

  const endAny = (id: number | undefined) => statusOf(boss.request('DELETE', `/api/v1/admin/sessions/${id}`))
  t.equal(await endAny(items[0]?.id), 204)
  t.same([await statusOf(phone.get(ME)), await statusOf(ann.get(ME))], [401, 200])
  t.equal(await endAny(items[0]?.id), 404)
  t.equal(await endAny(items[2]?.id), 204, 'the own one, too')
  t.equal(await statusOf(boss.get(ME)), 401)
})

t.test('an account has at most a hundred sessions: one more ends the least recently used', async (t) => {
  const { url, app } = await startService(t, peopleEnvironment)
  const ann = await register(url, 'ann')
  const used = await again(url, 'ann')
  await app.database.client.$executeRaw`update user_session set last_used_at = now() + interval '1 minute'
    where id = ${await currentOf(used)}`
  await app.database.client.$executeRaw`
    insert into user_session (user_id, epoch, device, network, expires_at)
    select id, session_epoch, '', '', now() + interval '1 day' from app_user, generate_series(1, 98) where name = 'ann'`
  t.equal(await statusOf(ann.get(ME)), 200)
  await again(url, 'ann')
  t.equal(await statusOf(ann.get(ME)), 401)
  t.equal((await listOf(used)).length, 100)
})

/** The stored value of the only session. */
async function onlySession(t: Test, redis: Awaited<ReturnType<typeof startStack>>['redis']) {
  const client = lookInto(t, redis)
  const [key = ''] = await client.keys('*:session:*')
  const text = (await client.get(key)) ?? ''
  return { restore: () => client.set(key, text, 'PX', 60_000) }
}

t.test('on two processes', async (t) => {
  const { redis, env } = await startStack(t)
  const one = await spawnFor(t, env)
  const other = await spawnFor(t, env)
  const ann = await register(one.url, 'ann')
  const { restore } = await onlySession(t, redis)

  await t.test('the last use of a session is written within minutes', async () => {
    await query(String(env.DATABASE_URL), "update user_session set last_used_at = now() - interval '1 hour'")
    await new Actor(other.url, ann.cookie).get(ME)
    await until(async () => {
      const [session] = await listOf(ann)
      return Date.now() - Date.parse(session?.lastUsedAt ?? '') < 60_000
    }, 5000)
  })

  await t.test('both processes refuse an ended session at once', async (t) => {
    for (let n = 0; n < 20; n++) {
      const phone = await signIn(one.url, 'ann@example.org', 'password of ann')
      const there = new Actor(other.url, phone.cookie)
      t.same(await Promise.all([phone, there].map((actor) => statusOf(actor.get(ME)))), [200, 200])
      t.equal(await end(n % 2 === 0 ? ann : new Actor(other.url, ann.cookie), await currentOf(phone)), 204)
      t.same(await Promise.all([there, phone].map((actor) => statusOf(actor.get(ME)))), [401, 401])
    }
  })

  await t.test('restoring the Redis value of an ended session does not restore the session', async (t) => {
    const id = await currentOf(ann)
    const admin = await signIn(one.url, 'ann@example.org', 'password of ann')
    t.equal(await end(admin, id), 204)
    await restore()
    t.equal(await statusOf(ann.get(ME)), 401)
    await restore()
    t.equal(await statusOf(new Actor(other.url, ann.cookie).get(ME)), 401)
  })
})
