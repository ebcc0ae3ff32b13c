import pg from 'pg'
import t, { type Test } from 'tap'
import { specs } from '../../src/cache/keys.ts'
import { until } from '../support/eventually.ts'
import { startDatabase } from '../support/postgres-database.ts'

const { url, database } = await startDatabase(t)
const { client } = database

/** How long a transaction is given that may have to wait for another one. */
const WAIT_MS = 300

/** Two transactions at once: the first one writes, the second one does all it has to do, then the first one commits. */
async function overlap(t: Test, first: string, second: string) {
  const [one, two] = [new pg.Client(url), new pg.Client(url)]
  for (const connection of [one, two]) {
    await connection.connect()
    t.teardown(() => connection.end())
  }
  await client.$executeRaw`delete from cache_invalidation`
  const order: ('first' | 'second')[] = []
  await one.query('begin')
  await one.query(first)
  const ending = two.query(second).then(() => order.push('second'))
  await until(() => order.length > 0, WAIT_MS).catch(() => {})
  // One that has waited until now ends last, whichever of the two replies comes in sooner.
  order.push('first')
  await one.query('commit')
  await ending
  return order
}

/** The page of a course shows names from other tables: who commits last has to touch it, or it stays as it was between the two. */
async function touchedByTheLast(order: readonly string[], spec: { tags: readonly string[] }): Promise<boolean> {
  const rows = await client.$queryRaw<{ xid: string; tag: string }[]>`
    select xid::text, tag from cache_invalidation order by xid`
  const [first] = rows
  // The first transaction has the lower number: it wrote first.
  const last = rows.filter(({ xid }) => (order.at(-1) === 'first') === (xid === first?.xid))
  return last.some(({ tag }) => spec.tags.includes(tag))
}

const author = await client.user.create({ data: { name: 'A', email: 'a@example.com', passwordHash: '!' } })
const category = await client.category.create({ data: { slug: 'c', name: 'C' } })
const insertCourse = (
  slug: string
) => `insert into course (slug, title, summary, level, language, category_id, author_id)
  values ('${slug}', 'T', 'S', 'beginner', 'en', ${category.id}, ${author.id})`
const page = async (slug: string) =>
  specs.course((await client.course.findUniqueOrThrow({ where: { slug }, select: { id: true } })).id)

t.test('a course that comes into a category while that is renamed does not keep the old name', async (t) => {
  const order = await overlap(t, `update category set name = 'New' where id = ${category.id}`, insertCourse('one'))
  t.ok(await touchedByTheLast(order, await page('one')), `the last one was the ${order.at(-1)}`)
})

t.test('a course that moves into a category while that is renamed does not either', async (t) => {
  const { id } = await client.course.create({
    data: { slug: 'two', title: 'T', summary: 'S', level: 'beginner', language: 'en', authorId: author.id }
  })
  const order = await overlap(
    t,
    `update category set name = 'Newer' where id = ${category.id}`,
    `update course set category_id = ${category.id} where id = ${id}`
  )
  t.ok(await touchedByTheLast(order, specs.course(id)), `the last one was the ${order.at(-1)}`)
})

t.test('a course of an author who is renamed meanwhile does not keep the old name', async (t) => {
  const order = await overlap(t, `update app_user set name = 'New' where id = ${author.id}`, insertCourse('three'))
  t.ok(await touchedByTheLast(order, await page('three')), `the last one was the ${order.at(-1)}`)
})

t.test('nor does one that is there before, while its category is renamed', async (t) => {
  const order = await overlap(t, insertCourse('four'), `update category set name = 'Newest' where id = ${category.id}`)
  t.ok(await touchedByTheLast(order, await page('four')), `the last one was the ${order.at(-1)}`)
})
