import t, { type Test } from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { CoursePage } from '../support/contract.ts'
import { addCourse, publishedCourses } from '../support/courses.ts'
import { get, send } from '../support/http.ts'

/** Titles that break a careless search: LIKE wildcards, quotes, operators, capitals of other alphabets. */
const titles = [
  '100% of SQL_injection',
  'Back\\slash and "quotes"',
  "L'été de Chloé",
  'ΟΔΟΣ ΠΡΟΣ ΤΗΝ ΓΝΩΣΗ',
  'İSTANBUL rehberi',
  'Ёлки и ёжики',
  '🐘 Elephants'
]

bothWays(t, async (t, { app, url }) => {
  const { client } = app.database
  for (const [i, title] of titles.entries()) await addCourse(client, { slug: `title-${i}`, title })
  // These differ only in their ids.
  const moment = new Date('2026-03-01T12:00:00Z')
  const twin = { title: 'Twin', language: 'pt-BR', createdAt: moment, updatedAt: moment }
  for (const i of [1, 2, 3, 4, 5]) await addCourse(client, { slug: `twin-${i}`, ...twin })
  const [first] = await publishedCourses(client)
  // The oldest course is the one that changed last.
  await client.course.update({ where: { id: first?.id }, data: { updatedAt: new Date('2030-01-01T00:00:00Z') } })

  const published = await publishedCourses(client)
  const list = (query: string) => get(CoursePage, `${url}/api/v1/courses?${query}`)
  const ids = (courses: readonly { id: number }[]) => courses.map(({ id }) => id).sort((a, b) => a - b)

  const expectFilter = async (t: Test, query: string, filter: (course: (typeof published)[number]) => boolean) => {
    const { items, total } = await list(`limit=100&${query}`)
    t.same(ids(items), ids(published.filter(filter)), query)
    t.equal(total, items.length, query)
  }

  await t.test(
    'the list filters by category, level, author and language, alone and combined, ignoring case',
    async (t) => {
      for (const slug of ['programming', 'science', 'no-such-category']) {
        await expectFilter(t, `category=${slug}`, ({ category }) => category?.slug === slug)
      }
      for (const level of ['beginner', 'intermediate', 'advanced']) {
        await expectFilter(t, `level=${level}`, (course) => course.level === level)
      }
      for (const id of [...new Set(published.map(({ author }) => author.id)), 999_999, 2_147_483_647]) {
        await expectFilter(t, `author=${id}`, ({ author }) => author.id === id)
      }
      for (const language of ['ru', 'RU', 'en', 'En', 'pt-BR', 'pt-br', 'PT-BR', 'de']) {
        const wanted = language.toLowerCase()
        await expectFilter(t, `language=${language}`, (course) => course.language.toLowerCase() === wanted)
      }
      await expectFilter(
        t,
        'category=programming&level=beginner&language=EN&search=python',
        ({ slug }) => slug === 'python-from-zero'
      )
      await expectFilter(t, 'category=data&level=advanced', () => false)
    }
  )

  await t.test('searching for a title finds its course', async (t) => {
    for (const { id, title } of published) {
      const { items } = await list(`limit=100&search=${encodeURIComponent(title)}`)
      t.ok(ids(items).includes(id), title)
    }
    t.equal(
      (await list('search=Python+from+Zero')).items[0]?.slug,
      'python-from-zero',
      'a plus is a space, as in form encoding'
    )
  })

  const keys = {
    '-createdAt': ({ createdAt }: { createdAt: string }) => -Date.parse(createdAt),
    createdAt: ({ createdAt }: { createdAt: string }) => Date.parse(createdAt),
    '-updatedAt': ({ updatedAt }: { updatedAt: string }) => -Date.parse(updatedAt)
  }
  for (const [sort, key] of Object.entries(keys)) {
    await t.test(`sort=${sort} sorts by that field`, async (t) => {
      const { items } = await list(`limit=100&sort=${sort}`)
      t.equal(items.length, published.length)
      t.same(
        items.map(key),
        items.map(key).sort((a, b) => a - b)
      )
    })
  }

  await t.test('sort=title sorts by title, one alphabet after the other', async (t) => {
    const demo = (await list('limit=100&sort=title')).items.filter(({ slug }) => !/^(title|twin)-/.test(slug))
    t.equal(demo.length, 20)
    const alphabet = new Intl.Collator('en')
    t.same(
      demo.map(({ title }) => title),
      demo.map(({ title }) => title).sort(alphabet.compare)
    )
  })

  await t.test('the default is newest first, twenty per page', async (t) => {
    t.same(await list(''), await list('page=1&limit=20&sort=-createdAt'))
    t.match(await list(''), { page: 1, limit: 20, total: published.length, pages: Math.ceil(published.length / 20) })
  })

  await t.test('the pages of every sort order contain every course once, in that order', async (t) => {
    for (const sort of ['-createdAt', 'createdAt', 'title', '-updatedAt']) {
      const whole = (await list(`limit=100&sort=${sort}`)).items.map(({ id }) => id)
      for (const limit of [2, 7, 32]) {
        const pages = Math.ceil(published.length / limit)
        const seen: number[] = []
        for (let page = 1; page <= pages; page++) {
          const answer = await list(`sort=${sort}&limit=${limit}&page=${page}`)
          seen.push(...answer.items.map(({ id }) => id))
          t.match(answer, { page, limit, total: published.length, pages })
        }
        t.same(seen, whole, `${sort} by ${limit}`)
      }
      t.same(ids([...new Set(whole)].map((id) => ({ id }))), ids(published), sort)
    }
  })

  await t.test('a page past the end is empty and has the total, as has an empty list', async (t) => {
    const { length: total } = published
    t.same(await list('limit=10&page=99'), { items: [], page: 99, limit: 10, total, pages: Math.ceil(total / 10) })
    t.same((await list('limit=100&page=1000000')).items, [])
    t.same(await list('language=de'), { items: [], page: 1, limit: 20, total: 0, pages: 0 })
    t.equal((await send(`${url}/api/v1/courses?limit=101`)).status, 400)
  })
})
