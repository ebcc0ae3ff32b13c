import pg from 'pg'
import t from 'tap'
import { type Actor, admin, draftOf, register } from '../support/actors.ts'
import { Course, ErrorBody } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { bodyOf, OwnUser, startStack } from '../support/people.ts'
import { startService } from '../support/service.ts'

t.test('a request of an account deleted meanwhile is 401, and changes nothing', async (t) => {
  const { env } = await startStack(t)
  const service = await startService(t, env)
  const author = await register(service.url, 'author')
  const { id, chapterId } = await draftOf(author)
  await bodyOf(Course, await author.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' }))

  const outside = new pg.Client({ connectionString: env.DATABASE_URL })
  await outside.connect()
  t.teardown(() => outside.end())

  /** Sends the request while the deletion of its actor is uncommitted; commits, and resolves to the answer. */
  async function whileDeleting(actor: Actor, request: () => Promise<Response>): Promise<Response> {
    const user = await bodyOf(OwnUser, await actor.get('/api/v1/users/me'))
    await outside.query('begin')
    await outside.query('delete from app_user where id = $1', [user.id])
    const answer = request()
    await until(async () => {
      const { rows } = await outside.query("select from pg_stat_activity where wait_event_type = 'Lock'")
      return rows.length > 0
    }, 5000)
    await outside.query('commit')
    return answer
  }

  const course = { title: 'T', summary: 'S', description: 'D', level: 'beginner', language: 'en' }
  const passwords = { current: 'password of password', next: 'another password' }
  const requests: Record<string, (actor: Actor) => Promise<Response>> = {
    profile: (actor) => actor.request('PATCH', '/api/v1/users/me', { name: 'New' }),
    password: (actor) => actor.request('POST', '/api/v1/auth/password', passwords),
    token: (actor) => actor.request('POST', '/api/v1/auth/tokens', { name: 'x' }),
    course: (actor) => actor.request('POST', '/api/v1/courses', course),
    enrollment: (actor) => actor.request('PUT', `/api/v1/courses/${id}/enrollment`),
    completion: (actor) =>
      actor.request('PUT', `/api/v1/users/me/progress/${id}/chapters/${chapterId}`, { completed: true })
  }
  for (const [name, request] of Object.entries(requests)) {
    const actor = await register(service.url, name)
    const answer = await whileDeleting(actor, () => request(actor))
    t.match(await bodyOf(ErrorBody, answer, 401), { code: 'NOT_SIGNED_IN' }, name)
  }
})

t.test('of two concurrent password changes, one succeeds', async (t) => {
  const service = await startService(t, (await startStack(t)).env)
  const ann = await register(service.url, 'ann')
  const change = (next: string) =>
    ann.request('POST', '/api/v1/auth/password', { current: 'password of ann', next }).then(({ status }) => status)
  const statuses = await Promise.all([change('the first of two'), change('the second of two')])
  // The other is refused, or already signed out by the first.
  t.equal(statuses.filter((status) => status === 204).length, 1)
  t.ok(statuses.every((status) => [204, 401, 403].includes(status)))
})

t.test('a write that loses a deadlock is retried', async (t) => {
  const { env } = await startStack(t)
  const service = await startService(t, env)
  const chief = await admin(service)
  const author = await register(service.url, 'author')
  const { id } = await draftOf(author)
  const outside = new pg.Client({ connectionString: env.DATABASE_URL })
  await outside.connect()
  t.teardown(() => outside.end())
  await chief.request('POST', '/api/v1/categories', { slug: 'doomed', name: 'Doomed' })

  // A deletion takes the category and then the course; the move below takes them the other way round.
  await outside.query('begin')
  await outside.query("set local deadlock_timeout = '10s'")
  const { rows } = await outside.query("select id from category where slug = 'doomed' for update")
  const move = author.request('PATCH', `/api/v1/courses/${id}`, { categoryId: rows[0].id })
  await until(async () => {
    const waiting = await outside.query("select from pg_stat_activity where wait_event_type = 'Lock'")
    return waiting.rows.length > 0
  }, 5000)
  await outside.query('select from course where id = $1 for update', [id])
  await outside.query('commit')
  t.equal((await move).status, 200)
})
