import t from 'tap'
import { admin, peopleEnvironment } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { Category, CategoryList, Course, CoursePage, ErrorBody } from '../support/contract.ts'
import { addCourse } from '../support/courses.ts'
import { get, send } from '../support/http.ts'
import { bodyOf, statusOf } from '../support/people.ts'

const slugs = ['ai', 'business', 'data', 'design', 'history', 'languages', 'programming', 'science']

const suite: Parameters<typeof bothWays>[1] = async (t, service) => {
  const { app, url } = service
  const categories = `${url}/api/v1/categories`
  const history = await app.database.client.category.create({ data: { slug: 'history', name: 'История' } })

  await t.test('the list has every category, in the exact shape of the contract, sorted by name', async (t) => {
    const { items } = await get(CategoryList, categories)
    t.same(items.map(({ slug }) => slug).sort(), slugs)
    t.same(
      items.map(({ name }) => name),
      items.map(({ name }) => name).sort(),
      'the list is sorted by the displayed name'
    )
    t.same(
      items.toSorted((a, b) => a.id - b.id),
      await app.database.client.category.findMany({ orderBy: { id: 'asc' } })
    )
  })

  await t.test('each category is found by its slug', async (t) => {
    const { items } = await get(CategoryList, categories)
    for (const item of items) t.same(await get(Category, `${categories}/${item.slug}`), item)
  })

  await t.test('an unknown slug is 404, an invalid slug is 400 and names the field', async (t) => {
    t.equal((await send(`${categories}/gardening`)).status, 404)
    t.equal((await send(`${categories}/programming-`)).status, 404)
    for (const slug of ['Programming', 'a_b', '%D0%B0', '%00', "'", '..%2Fcourses', 'a'.repeat(65)]) {
      const answer = await send(`${categories}/${slug}`)
      t.equal(answer.status, 400, slug)
      t.match(answer.body, /slug/, slug)
    }
  })

  await t.test('neither route takes query parameters', async (t) => {
    t.equal((await send(`${categories}?page=1`)).status, 400)
    t.equal((await send(`${categories}/data?foo=1`)).status, 400)
  })

  await t.test('a category without courses is answered like any other', async (t) => {
    t.same(await get(Category, `${categories}/history`), history)
    t.match(await get(CoursePage, `${url}/api/v1/courses?category=history`), { items: [], total: 0, pages: 0 })
  })

  await t.test('a category in use can be deleted only with a target for its courses', async (t) => {
    const boss = await admin(service)
    const { client } = app.database
    const { id: old } = await client.category.create({ data: { slug: 'old', name: 'Old' } })
    const shown = await addCourse(client, { slug: 'shown', categoryId: old })
    const draft = await addCourse(client, { slug: 'hidden', categoryId: old, status: 'draft' })
    const { updatedAt } = await client.course.findUniqueOrThrow({ where: { id: shown.id } })
    const remove = (query = '', slug = 'old') => boss.request('DELETE', `/api/v1/categories/${slug}${query}`)
    const of = (slug: string) => get(CoursePage, `${url}/api/v1/courses?category=${slug}&limit=100`)
    const page = () => get(Course, `${url}/api/v1/courses/${shown.id}`)
    const before = (await of('data')).total
    t.equal((await page()).category?.slug, 'old')
    t.equal((await of('old')).total, 1)

    const { code, message } = await bodyOf(ErrorBody, await remove(), 409)
    t.equal(code, 'CATEGORY_IN_USE')
    t.match(message, /^2 courses are /, 'drafts count')
    for (const [query, why] of [
      ['?moveTo=old', /moveTo is the category/],
      ['?moveTo=nowhere', /moveTo is not the slug/],
      ['?moveTo=A_B', /moveTo/],
      ['?moveto=data', /moveto/]
    ] as const) {
      t.match((await bodyOf(ErrorBody, await remove(query), 400)).message, why)
    }
    t.equal(await statusOf(remove('?moveTo=data', 'nowhere')), 404)
    t.equal((await page()).category?.slug, 'old', 'nothing has changed')

    t.equal(await statusOf(remove('?moveTo=data')), 204)
    t.equal((await page()).category?.slug, 'data')
    t.equal((await of('data')).total, before + 1)
    t.equal((await of('old')).total, 0)
    t.equal((await send(`${categories}/old`)).status, 404)
    const moved = await client.course.findUniqueOrThrow({ where: { id: draft.id }, include: { category: true } })
    t.equal(moved.category?.slug, 'data')
    t.same((await client.course.findUniqueOrThrow({ where: { id: shown.id } })).updatedAt, updatedAt)

    await client.category.create({ data: { slug: 'empty', name: 'Empty' } })
    t.equal(await statusOf(remove('', 'empty')), 204, 'an empty category needs no target')
  })

  await t.test('moving many courses touches no tag per course', async (t) => {
    const boss = await admin(service)
    const { client } = app.database
    // On PostgreSQL more courses than one statement moves; fewer on the embedded database, which blocks this process.
    const many = 'postgres' in service ? 1500 : 50
    const { id: large } = await client.category.create({ data: { slug: 'large', name: 'Large' } })
    const { id: next } = await client.category.create({ data: { slug: 'next', name: 'Next' } })
    const authorId = (await client.user.findFirstOrThrow()).id
    await client.$executeRaw`
      insert into course (slug, title, summary, level, language, status, author_id, category_id)
      select 'large-' || n, 'T', '', 'beginner', 'en', 'published', ${authorId}, ${large} from generate_series(1, ${many}) n`
    const [last] = await client.$queryRaw<{ id: number }[]>`select max(id)::int as id from cache_invalidation`
    t.equal(await statusOf(boss.request('DELETE', '/api/v1/categories/large?moveTo=next')), 204)
    const touched = await client.$queryRaw<{ tag: string }[]>`
      select tag from cache_invalidation where id > ${last?.id}::int order by tag`
    t.same(touched, [{ tag: 'categories' }, { tag: `category:${large}` }])
    t.equal(await client.course.count({ where: { categoryId: next } }), many)
    t.equal((await get(CoursePage, `${url}/api/v1/courses?category=next`)).total, many)
  })
}

bothWays(t, suite, { env: peopleEnvironment })
