import t from 'tap'
import { onBothDatabases, studiedCourse } from '../support/both-databases.ts'

await onBothDatabases(t, async (t, database) => {
  const { client } = database
  await t.test('the text of a draft is not read for the search index', async (t) => {
    const { course, modules } = await studiedCourse(database)
    await client.$executeRawUnsafe(`create or replace function search_parts(course integer) returns text language plpgsql as
      $$ begin raise exception 'the text of course % was read', $1; end $$`)
    const chapter = { courseId: course.id, moduleId: modules[1].id, title: 'Three', content: 'Text', position: 1 }
    const added = await client.chapter.create({ data: chapter })
    t.match(added, { title: 'Three' })
    await t.rejects(
      client.course.update({ where: { id: course.id }, data: { status: 'published' } }),
      /the text of course \d+ was read/,
      'the text of a public course is read'
    )
  })
})
