import t from 'tap'
import { CourseLists } from '#courses/course-lists.ts'
import { migrate } from '#database/migrate.ts'
import { onBothDatabases, studiedCourse } from '../support/both-databases.ts'
import { recordingLog } from '../support/recording-log.ts'

/** More than are indexed in one transaction. */
const COURSES = 60

await onBothDatabases(t, async (t, database) => {
  const { client } = database
  const run = (sql: string) => client.$executeRawUnsafe(sql)
  const lists = new CourseLists(database)
  const found = async (search: string) => (await lists.page({ page: 1, limit: 1, search })).total
  /** Searches like the previous version. */
  const foundBefore = (text: string) =>
    client.course.count({ where: { status: 'published', searchText: { contains: text } } })
  const { log, written } = recordingLog()

  await t.test('courses from before the migration are found once it is applied', async (t) => {
    await run('drop table course_search, search_word')
    await run(
      'drop function search_configuration, search_text, search_vector, search_as_written, search_parts, search_fill, search_refresh, search_course, search_course_part cascade'
    )
    await run(`delete from _prisma_migrations where migration_name like '%_full_text_search'`)
    const { course, author } = await studiedCourse(database)
    await run(`update course set title = 'Draft of an accordion' where id = ${course.id}`)
    await run(`insert into course (slug, title, summary, level, language, status, author_id)
      select 'old-' || n, 'Harpsichord ' || n, '', 'beginner', 'en', 'published', ${author.id} from generate_series(1, ${COURSES}) as n`)
    t.match(await migrate(database, log), [/_full_text_search$/])
    t.match(written(), `"filled":${COURSES}`)
    t.same([await found('harpsichords'), await found('harpsichord 42'), await found('accordion')], [COURSES, 1, 0])
    t.equal(await foundBefore('harpsichord'), COURSES, 'processes of the previous version find them too')
    await run(`update course set status = 'published' where id = ${course.id}`)
    t.same([await found('accordion'), await foundBefore('accordion')], [1, 1])
  })

  await t.test('an interrupted indexing is resumed, and cached searches are invalidated', async (t) => {
    await run(`delete from course_search where course_id % 2 = 0`)
    await run('delete from cache_invalidation')
    t.ok((await found('harpsichord')) < COURSES)
    t.same(await migrate(database, log), [])
    t.equal(await found('harpsichord'), COURSES)
    const tags = await client.$queryRaw`select distinct tag from cache_invalidation`
    t.same(tags, [{ tag: 'search' }])
    await run('delete from cache_invalidation')
    await migrate(database, log)
    t.same(await client.$queryRaw`select tag from cache_invalidation`, [], 'a second run has nothing to do')
  })
})
