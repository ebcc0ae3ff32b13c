import t from 'tap'
import { Actor, admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { Course, ErrorBody } from '../support/contract.ts'
import { send } from '../support/http.ts'
import { bodyOf, statusOf } from '../support/people.ts'

const COURSES = '/api/v1/courses'
const BY_SLUG = `${COURSES}/by-slug`

const suite: Parameters<typeof bothWays>[1] = async (t, service) => {
  const { app, url } = service
  const ann = await register(url, 'ann')
  const bob = await register(url, 'bob')
  const boss = await admin(service)
  const visitor = new Actor(url)
  const change = (id: number, body: unknown, by = ann) => by.request('PATCH', `${COURSES}/${id}`, body)
  const rename = async (id: number, slug: string) => bodyOf(Course, await change(id, { slug }))
  /** The Location of a redirect, the id that was found, or the status. */
  const find = async (slug: string, by = visitor) => {
    const { status, headers, body } = await send(`${url}${BY_SLUG}/${slug}`, { headers: { cookie: by.cookie } })
    return status === 301 ? headers.get('location') : status === 200 ? JSON.parse(body).id : status
  }

  await t.test('a course by slug equals the course by id, and shares its cache entry', async (t) => {
    const byId = await send(`${url}${COURSES}/1`)
    const { slug } = JSON.parse(byId.body)
    const first = await send(`${url}${BY_SLUG}/${slug}`)
    t.equal(first.body, byId.body)
    t.equal(first.headers.get('content-location'), `${COURSES}/1`)
    for (const name of ['etag', 'cache-control', 'content-type'])
      t.equal(first.headers.get(name), byId.headers.get(name), name)
    const second = await send(`${url}${BY_SLUG}/${slug}`)
    t.equal(second.headers.get('x-cache'), 'HIT')
    const etag = first.headers.get('etag') ?? ''
    const fresh = await send(`${url}${BY_SLUG}/${slug}`, { headers: { 'if-none-match': etag } })
    t.match([fresh.status, fresh.headers.get('content-location')], [304, `${COURSES}/1`])
    t.equal((await send(`${url}${BY_SLUG}/${slug}`, { method: 'HEAD' })).status, 200)
    t.equal((await send(`${url}${BY_SLUG}/${slug}?page=1`)).status, 400)
    for (const wrong of ['A', 'a_b', 'a'.repeat(81), '%00']) {
      const answer = await send(`${url}${BY_SLUG}/${wrong}`)
      t.match([answer.status, answer.body], [400, /slug/], wrong)
    }
  })

  await t.test('an old slug redirects to the new one until another course takes it', async (t) => {
    const { id } = await draftOf(ann, 'First name')
    const first = `first-name-${id}`
    t.equal(await find(first), 404)
    await statusOf(change(id, { status: 'published' }))
    t.equal(await find(first), id, 'although the cache had it as missing')
    t.equal((await rename(id, 'second')).slug, 'second')
    t.equal(await find(first), `${BY_SLUG}/second`)
    t.equal(await find('second'), id)
    await rename(id, 'third')
    t.same([await find(first), await find('second')], [`${BY_SLUG}/third`, `${BY_SLUG}/third`], 'in one redirect')
    const { headers } = await send(`${url}${BY_SLUG}/second`, { headers: { 'x-forwarded-prefix': '/academy' } })
    t.equal(headers.get('cache-control'), 'no-store')
    t.equal(headers.get('location'), `/academy${BY_SLUG}/third`, 'under the prefix of a proxy')

    const other = await draftOf(bob, 'Other')
    t.equal(await statusOf(change(other.id, { slug: 'third' }, bob)), 409)
    await statusOf(change(other.id, { status: 'published' }, bob))
    t.match(await bodyOf(ErrorBody, await change(other.id, { slug: 'second' }, bob), 409), { code: 'SLUG_TAKEN' })
    t.equal(await find('second'), `${BY_SLUG}/third`, 'another author cannot take over a link')
    const own = await draftOf(ann, 'Own')
    t.equal(await statusOf(change(own.id, { slug: 'second' })), 200)
    t.equal(await find('second'), `${BY_SLUG}/third`, 'a draft does not take the slug over')
    await statusOf(change(own.id, { status: 'published' }))
    t.equal(await find('second'), own.id)
    await statusOf(ann.request('DELETE', `${COURSES}/${own.id}`))
    t.equal(await find('second'), `${BY_SLUG}/third`)
    await rename(id, 'second')
    t.same([await find('second'), await find('third')], [id, `${BY_SLUG}/second`], 'the course has its slug again')

    await statusOf(change(id, { status: 'draft' }))
    for (const slug of [first, 'second', 'third']) t.equal(await find(slug), 404)
    t.equal(await statusOf(change(other.id, { slug: 'third' }, bob)), 200, 'a slug that was never public is free')
    await statusOf(bob.request('DELETE', `${COURSES}/${other.id}`))
    t.same([await find(first, ann), await find('second', ann)], [`${BY_SLUG}/second`, id], 'its author still finds it')
    t.same([await find(first, boss), await find('second', boss)], [`${BY_SLUG}/second`, id])
    await statusOf(change(id, { status: 'published' }))
    t.same([await find(first), await find('second')], [`${BY_SLUG}/second`, id])
    await statusOf(ann.request('DELETE', `${COURSES}/${id}`))
    for (const slug of [first, 'second', 'third']) t.equal(await find(slug), 404)
    t.equal(await app.database.client.courseSlug.count(), 0)
  })

  await t.test('a draft by slug looks like a missing course', async (t) => {
    const { id } = await draftOf(ann, 'Hidden')
    await rename(id, 'hidden')
    const own = await send(`${url}${BY_SLUG}/hidden`, { headers: { cookie: ann.cookie } })
    t.match([own.status, own.headers.get('content-location')], [200, `${COURSES}/${id}`])
    t.match(own.headers.get('cache-control'), /private/)
    const told = async (slug: string) => {
      const { status, headers, body } = await send(`${url}${BY_SLUG}/${slug}`, { headers: { cookie: bob.cookie } })
      const rest = [...headers].filter(
        ([name]) => !/^(date|x-request-id|x-response-time|server-timing|x-ratelimit-.*)$/.test(name)
      )
      return { status, rest, body: { ...JSON.parse(body), requestId: '' } }
    }
    for (let round = 0; round < 2; round++) {
      t.same(await told('hidden'), await told('nothing'))
      t.same(await told(`hidden-${id}`), await told('nothing'), 'so does its old slug')
    }
  })

  await t.test('a slug consists of words, and may be one that a new course would get', async (t) => {
    const { id } = await draftOf(ann)
    for (const slug of ['A', 'a--b', '-a', 'a-', 'ä', '', 'a'.repeat(65), null, 1]) {
      t.match((await bodyOf(ErrorBody, await change(id, { slug }), 400)).message, /slug/, String(slug))
    }
    t.equal(
      (await bodyOf(Course, await change(id, { title: 'Another title' }))).slug,
      `a-draft-${id}`,
      'a new title keeps the slug'
    )
    await rename(id, `next-${id + 1}`)
    const next = await draftOf(ann, 'Next')
    t.equal(next.id, id + 1)
    t.match(
      (await bodyOf(Course, await ann.get(`${COURSES}/${next.id}`))).slug,
      new RegExp(`^next-${next.id}-[0-9a-f]{8}$`)
    )
    const old = Array.from({ length: 20 }, (_, n) => ({
      slug: `old-${n}`,
      courseId: id,
      createdAt: new Date(2020, 0, n + 1)
    }))
    await app.database.client.courseSlug.createMany({ data: old })
    await rename(id, 'last')
    t.equal(await app.database.client.courseSlug.count({ where: { courseId: id } }), 20, 'the latest slugs are kept')
    t.same([await find('old-19', ann), await find('old-0', ann)], [`${BY_SLUG}/last`, 404])
  })
}

bothWays(t, suite, { env: { ...peopleEnvironment, TRUST_PROXY: '1' } })
