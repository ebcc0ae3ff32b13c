import pg from 'pg'
import t, { type Test } from 'tap'
import { until } from '../support/eventually.ts'
import { startDatabase } from '../support/postgres-database.ts'

/**
 * Lists show a course with the name of its author and the number of its parts. Of two concurrent transactions, one of which puts the course
 * into lists, the one that commits last must touch `courses`: else lists that were read between the two stay as they are.
 */

const { url, database } = await startDatabase(t)

/** How long to wait for a transaction that another one may block, in ms. */
const WAIT_MS = 100
const NOT_SERIALIZABLE = '40001'

interface Subjects {
  readonly author: number
  readonly course: number
  readonly module: number
}

type Statement = (subjects: Subjects) => string

const insertCourse = (author: number, status: string) =>
  `insert into course (slug, title, summary, level, language, status, author_id)
   values (gen_random_uuid(), 'T', 'S', 'beginner', 'en', '${status}', ${author})`

const PUBLICATIONS: Record<string, Statement> = {
  'a course is published': ({ course }) => `update course set status = 'published' where id = ${course}`,
  'one is published with its insert': ({ author }) => insertCourse(author, 'published'),
  'one that is public gets another author': ({ author }) =>
    `update course set author_id = ${author} where title = 'public' and author_id <> ${author}`
}
const RENAME: Record<string, Statement> = {
  'its author is renamed': ({ author }) => `update app_user set name = name || '!' where id = ${author}`
}
const PARTS: Record<string, Statement> = {
  'a module is added to it': ({ course }) =>
    `insert into module (course_id, title, position) values (${course}, 'M', 2)`,
  'a module of it is deleted': ({ module }) => `delete from module where id = ${module}`,
  'a module of it moves away': ({ module }) => `update module set course_id = (
    select id from course where title = 'other') where id = ${module}`,
  'a chapter is added to it': ({ course, module }) =>
    `insert into chapter (course_id, module_id, title, content, position) values (${course}, ${module}, 'C', 'C', 1)`
}

async function connect(t: Test): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => client.end())
  return client
}

/** A draft with one module, its author without other courses, and the rows they may conflict with; all of it is applied in Redis. */
async function subjects(t: Test): Promise<Subjects> {
  const client = await connect(t)
  await client.query('truncate app_user cascade')
  const id = async (sql: string): Promise<number> => (await client.query(`${sql} returning id`)).rows[0].id
  const user = `insert into app_user (email, password_hash, name) values (gen_random_uuid(), '!', 'A')`
  const [author, other] = [await id(user), await id(user)]
  const course = await id(insertCourse(author, 'draft'))
  const module = await id(`insert into module (course_id, title, position) values (${course}, 'M', 1)`)
  for (const [title, status] of [
    ['other', 'draft'],
    ['public', 'published']
  ] as const)
    await client.query(`update course set title = '${title}' where id = ${await id(insertCourse(other, status))}`)
  await client.query('delete from cache_invalidation')
  return { author, course, module }
}

/** One of the transactions; its tags count as applied, so that only locks separate the two. */
class Transaction {
  readonly #client: pg.Client
  readonly #sql: string
  readonly #begin: string
  xid = ''

  constructor(client: pg.Client, level: string, sql: string) {
    this.#client = client
    this.#sql = sql
    this.#begin = `begin isolation level ${level}`
  }

  async begin(): Promise<void> {
    await this.#client.query(this.#begin)
    // At repeatable read this takes the snapshot.
    await this.#client.query('select count(*) from course')
  }

  async write(): Promise<void> {
    await this.#client.query(this.#sql)
    const { rows } = await this.#client.query('select pg_current_xact_id()::text as xid')
    this.xid = rows[0].xid
    await this.#client.query(`update cache_invalidation set applied_at = now() where xid = '${this.xid}'`)
  }

  async commit(): Promise<void> {
    await this.#client.query('commit')
  }

  /** Retries serialization failures, as the service does. */
  async writeAgainIfAsked(writing: Promise<void>): Promise<void> {
    await writing.catch(async (error) => {
      if (error.code !== NOT_SERIALIZABLE) throw error
      await this.#client.query('rollback')
      await this.begin()
      await this.write()
    })
  }
}

/** Runs both concurrently; resolves to the tags touched by the one that committed last. */
async function overlap(t: Test, level: string, first: string, second: string, meanwhile: boolean): Promise<string[]> {
  const [one, two] = [new Transaction(await connect(t), level, first), new Transaction(await connect(t), level, second)]
  await one.begin()
  await two.begin()
  await one.write()
  let last = two
  if (!meanwhile) {
    await one.commit()
    await two.writeAgainIfAsked(two.write())
    await two.commit()
  } else {
    let written = false
    const writing = two.write().then(() => {
      written = true
    })
    writing.catch(() => {})
    await until(() => written, WAIT_MS).catch(() => {})
    if (written) {
      await two.commit()
      await one.commit()
      last = one
    } else {
      await one.commit()
      await two.writeAgainIfAsked(writing)
      await two.commit()
    }
  }
  const rows = await database.client.$queryRaw<{ tag: string }[]>`
    select tag from cache_invalidation where xid = ${last.xid}::xid8`
  return rows.map(({ tag }) => tag)
}

for (const level of ['read committed', 'repeatable read']) {
  for (const [publication, publish] of Object.entries(PUBLICATIONS)) {
    const others = publication === 'a course is published' ? { ...RENAME, ...PARTS } : RENAME
    for (const [what, write] of Object.entries(others)) {
      for (const meanwhile of [true, false]) {
        const when = meanwhile ? 'meanwhile' : 'afterwards, by one that began before'
        t.test(`${level}: ${publication}, and ${when} ${what}`, async (t) => {
          const all = await subjects(t)
          const tags = await overlap(t, level, publish(all), write(all), meanwhile)
          t.ok(tags.includes('courses'), tags.join())
        })
        t.test(`${level}: ${what}, and ${when} ${publication}`, async (t) => {
          const all = await subjects(t)
          const tags = await overlap(t, level, write(all), publish(all), meanwhile)
          t.ok(tags.includes('courses'), tags.join())
        })
      }
    }
  }
}

t.test('a publication of many courses writes a new version of their author once', async (t) => {
  const { author } = await subjects(t)
  const client = await connect(t)
  await client.query('begin')
  const versions = async () =>
    Number((await client.query('select pg_stat_get_xact_tuples_updated($1::regclass) as n', ['app_user'])).rows[0].n)
  for (let i = 0; i < 5; i++) await client.query(insertCourse(author, 'published'))
  t.equal(await versions(), 1)
  await client.query('rollback')
})

t.test('moving a course into a category and renaming the category do not block each other', async (t) => {
  const { course } = await subjects(t)
  const client = await connect(t)
  await client.query(`insert into category (id, slug, name) values (1, 'c', 'C')`)
  const move = `update course set category_id = 1 where id = ${course}`
  const rename = `update category set name = name || '!' where id = 1`
  for (const [first, second] of [
    [move, rename],
    [rename, move]
  ] as const) {
    await client.query(`update course set category_id = null where id = ${course}`)
    const one = await connect(t)
    await one.query('begin')
    await one.query(first)
    await client.query(second)
    await one.query('commit')
  }
})
