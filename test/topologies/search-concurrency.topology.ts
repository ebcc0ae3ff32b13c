import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { startDatabase } from '../support/postgres-database.ts'

/** How long to wait for a statement that may be blocked by the other transaction. */
const WAIT_MS = 100
const NOT_SERIALIZABLE = '40001'

const { url } = await startDatabase(t)

const WRITES: Record<string, string> = {
  'the course is published': `update course set status = 'published'`,
  'its title changes': `update course set title = 'new'`,
  'one of its chapters changes': `update chapter set content = 'changed' where position = 1`,
  'another chapter changes': `update chapter set content = 'altered' where position = 2`,
  'a chapter is added': `insert into chapter (course_id, module_id, title, content, position)
    select course_id, id, 'added', 'added', 3 from module`
}

async function connect(t: Test): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => client.end())
  return client
}

/** A course with a module and two chapters, alone in the database. */
async function makeCourse(client: pg.Client, status: string): Promise<void> {
  await client.query(`truncate app_user cascade;
    insert into app_user (id, email, password_hash, name) values (1, 'a@a.example', '!', 'A');
    insert into course (id, slug, title, summary, level, language, status, author_id)
      values (1, 'one', 'old', 'S', 'beginner', 'en', '${status}', 1);
    insert into module (id, course_id, title, position) values (1, 1, 'M', 1);
    insert into chapter (course_id, module_id, title, content, position) values (1, 1, 'C', 'former', 1), (1, 1, 'D', 'earlier', 2)`)
}

for (const level of ['read committed', 'repeatable read', 'serializable']) {
  for (const status of ['draft', 'published']) {
    t.test(
      `after two concurrent writers of a ${status} course, at ${level}, its document contains what both wrote`,
      async (t) => {
        const [first, second] = [await connect(t), await connect(t)]
        for (const [one, firstWrite] of Object.entries(WRITES)) {
          for (const [other, secondWrite] of Object.entries(WRITES)) {
            if (one === other) continue
            await makeCourse(first, status)
            for (const client of [first, second])
              await client.query(`begin isolation level ${level}; select from course, chapter`)
            await first.query(firstWrite)
            const outcome = second.query(secondWrite).then(
              () => 'commit',
              (error) => error.code
            )
            await Promise.race([outcome, sleep(WAIT_MS)])
            await first.query('commit')
            const end = await outcome
            t.ok(
              end === 'commit' || (end === NOT_SERIALIZABLE && level !== 'read committed'),
              `${one}, ${other}: ${end}`
            )
            await second.query(end === 'commit' ? 'commit' : 'rollback')
            const { rows } = await first.query(`with kept as (select document as before from course_search),
              filled as (select search_fill(array(select id from course)) as done)
            select before from kept, filled`)
            const { rows: after } = await first.query('select document from course_search')
            t.same(rows[0]?.before, after[0]?.document, `${one} while ${other}`)
          }
        }
      }
    )
  }
}
