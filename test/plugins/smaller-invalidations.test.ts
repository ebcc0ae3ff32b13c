import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { Catalogue } from '#courses/catalogue.ts'
import { bothWays } from '../support/both-ways.ts'
import { addCourse } from '../support/courses.ts'
import { until } from '../support/eventually.ts'
import { send } from '../support/http.ts'

const MANY = 50_000
const SLOW = { timeout: 60_000 }

/** Resolves when Redis has every invalidation and the outbox has no unapplied row. */
async function settled({ database }: FastifyInstance): Promise<void> {
  await database.outbox.flush()
  while ((await database.outbox.depth()) > 0) await new Promise((resolve) => setTimeout(resolve, 20))
}

bothWays(t, async (t, { app, url }) => {
  const { client } = app.database
  const person = (name: string) =>
    client.user.create({ data: { name, email: `${randomUUID()}@a.example`, passwordHash: '!' } })
  const nobody = await person('Nobody')
  const draft = await addCourse(client, { slug: 'draft-of-nobody', authorId: nobody.id, status: 'draft' })
  await addCourse(client, { slug: 'second-draft', authorId: nobody.id, status: 'draft' })
  const chapter = await client.chapter.findFirstOrThrow({ where: { courseId: 1 } })
  const publicPaths = [
    '/courses',
    '/courses?search=a&sort=title',
    '/categories',
    '/categories/data',
    '/courses/1',
    '/courses/1/modules',
    `/courses/1/chapters/${chapter.id}`
  ].map((path) => `/api/v1${path}`)
  const outcomes = () => Promise.all(publicPaths.map(async (path) => (await send(url + path)).headers.get('x-cache')))

  const unseen: Record<string, () => Promise<unknown>> = {
    'the title of a draft': () => client.course.update({ where: { id: draft.id }, data: { title: 'New' } }),
    'its chapters': () =>
      client.chapter.update({ where: { id: draft.chapterId }, data: { content: 'New', title: 'New' } }),
    'a new chapter': () =>
      client.chapter.create({
        data: { courseId: draft.id, moduleId: draft.moduleId, title: 'C', content: 'C', position: 2 }
      }),
    'a deleted module': () => client.module.delete({ where: { id: draft.moduleId } }),
    'a new draft': () => addCourse(client, { slug: 'third-draft', authorId: nobody.id, status: 'draft' }),
    'a deleted draft': () => client.course.delete({ where: { id: draft.id } }),
    'the name of an author with drafts only': () =>
      client.user.update({ where: { id: nobody.id }, data: { name: 'Somebody' } }),
    'a new user': () => person('Somebody else'),
    'a deleted user, with his drafts': () => client.user.delete({ where: { id: nobody.id } })
  }
  for (const [what, write] of Object.entries(unseen)) {
    await t.test(`a change that the public cannot see leaves every public answer a HIT: ${what}`, async (t) => {
      await settled(app)
      await outcomes()
      await write()
      t.same(
        await outcomes(),
        publicPaths.map(() => 'HIT')
      )
    })
  }

  await t.test(
    'renaming an author of 50,000 courses touches three tags, and every page shows the new name',
    async (t) => {
      const author = await person('First')
      // Without triggers: the invalidations of 50,000 inserts are not under test.
      await app.database.write(async (tx) => {
        await tx.$executeRaw`set local session_replication_role = replica`
        await tx.$executeRaw`insert into course (slug, title, summary, level, language, status, author_id, category_id)
        select 'many-' || n, 'Many ' || n, '', 'beginner', 'en', 'published', ${author.id}::int, 1
        from generate_series(1, ${MANY}::int) n`
      }, SLOW)
      await settled(app)
      await client.$executeRaw`analyze course`
      const { id } = await client.course.findUniqueOrThrow({ where: { slug: 'many-25000' } })
      // The embedded database runs in this process, which was too busy to answer.
      await until(async () => (await send(`${url}/api/v1/courses/${id}`)).status === 200, SLOW.timeout)
      const page = async () => JSON.parse((await send(`${url}/api/v1/courses/${id}`)).body).author.name
      const list = async () => {
        const { items } = JSON.parse((await send(`${url}/api/v1/courses?author=${author.id}&limit=3`)).body)
        return items.map((item: { author: { name: string } }) => item.author.name)
      }
      let fastest = Number.POSITIVE_INFINITY
      for (const name of ['Second', 'Third', 'Fourth']) {
        await page()
        await list()
        const [before] = await client.$queryRaw<{ id: number }[]>`select max(id)::int as id from cache_invalidation`
        const start = performance.now()
        await client.user.update({ where: { id: author.id }, data: { name } })
        fastest = Math.min(fastest, performance.now() - start)
        const rows = await client.$queryRaw<{ tag: string }[]>`
        select tag from cache_invalidation where id > ${before?.id}::int order by tag`
        t.same(
          rows.map(({ tag }) => tag),
          ['courses', `user:${author.id}`, `user:${author.id}:name`]
        )
        t.equal(await page(), name)
        t.same(await list(), [name, name, name])
      }
      t.ok(fastest < 100, `${fastest} ms`)
    }
  )

  await t.test('course pages show the new name of a renamed category', async (t) => {
    const { id } = await client.course.findFirstOrThrow({ where: { categoryId: 1, status: 'published' } })
    const page = async () => JSON.parse((await send(`${url}/api/v1/courses/${id}`)).body).category.name
    for (const name of ['One', 'Two']) {
      await page()
      await client.category.update({ where: { id: 1 }, data: { name } })
      t.equal(await page(), name)
    }
  })

  await t.test('a course moved while its page is loaded depends on the names that the page shows', async (t) => {
    const { id, authorId } = await addCourse(client, { slug: 'moved' })
    const other = await person('Other')
    const named: string[][] = []
    const page = await new Catalogue(client).coursePage(id, async (tags) => {
      named.push([...tags])
      if (named.length === 1) await client.course.update({ where: { id }, data: { authorId: other.id, categoryId: 2 } })
    })
    t.same(page.author, { id: other.id, name: 'Other' })
    t.same(named, [[`user:${authorId}:name`], [`user:${other.id}:name`, 'category:2']])
  })
})
