import t from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { Category, CategoryList, CoursePage } from '../support/contract.ts'
import { get, send } from '../support/http.ts'

const slugs = ['ai', 'business', 'data', 'design', 'history', 'languages', 'programming', 'science']

bothWays(t, async (t, { app, url }) => {
  const categories = `${url}/api/v1/categories`
  const history = await app.database.client.category.create({ data: { slug: 'history', name: 'История' } })

  await t.test('the list has every category, in exactly the shape of the contract, by name', async (t) => {
    const { items } = await get(CategoryList, categories)
    t.same(items.map(({ slug }) => slug).sort(), slugs)
    t.same(
      items.map(({ name }) => name),
      items.map(({ name }) => name).sort(),
      'a list for people is sorted by what they see'
    )
    t.same(
      items.toSorted((a, b) => a.id - b.id),
      await app.database.client.category.findMany({ orderBy: { id: 'asc' } })
    )
  })

  await t.test('each of them is found by its slug', async (t) => {
    const { items } = await get(CategoryList, categories)
    for (const item of items) t.same(await get(Category, `${categories}/${item.slug}`), item)
  })

  await t.test('a slug that nobody has is 404, one that nobody can have is 400 and names the field', async (t) => {
    t.equal((await send(`${categories}/gardening`)).status, 404)
    t.equal((await send(`${categories}/programming-`)).status, 404)
    for (const slug of ['Programming', 'a_b', '%D0%B0', '%00', "'", '..%2Fcourses', 'a'.repeat(65)]) {
      const answer = await send(`${categories}/${slug}`)
      t.equal(answer.status, 400, slug)
      t.match(answer.body, /slug/, slug)
    }
  })

  await t.test('neither takes query parameters', async (t) => {
    t.equal((await send(`${categories}?page=1`)).status, 400)
    t.equal((await send(`${categories}/data?foo=1`)).status, 400)
  })

  await t.test('a category without courses is one like any other', async (t) => {
    t.same(await get(Category, `${categories}/history`), history)
    t.match(await get(CoursePage, `${url}/api/v1/courses?category=history`), { items: [], total: 0, pages: 0 })
  })
})
