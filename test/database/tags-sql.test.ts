import t from 'tap'
import { onBothDatabases, studiedCourse } from '../support/both-databases.ts'
import { listenTo } from '../support/commits.ts'

/** Statements that bypass Prisma's models, as in a maintenance script. */
await onBothDatabases(t, async (t, database) => {
  const { client } = database
  const { commitsOf } = listenTo(database)
  const { course, author, student, category } = await studiedCourse(database)
  const { id } = course
  const page = `course:${id}`
  await client.course.update({ where: { id }, data: { status: 'published' } })

  const touching: [what: string, write: () => Promise<unknown>, tags: string[]][] = [
    ['$executeRaw', () => client.$executeRaw`update course set title = 'A' where id = ${id}`, [page, 'courses']],
    ['$executeRawUnsafe', () => client.$executeRawUnsafe(`update course set title = 'B'`), [page, 'courses']],
    [
      '$queryRaw with RETURNING',
      () => client.$queryRaw`update course set title = 'C' where id = ${id} returning id`,
      [page, 'courses']
    ],
    [
      'a write inside WITH',
      () => client.$queryRaw`with w as (update course set title = 'D' returning id) select count(*)::int from w`,
      [page, 'courses']
    ],
    ['a function that writes', () => client.$queryRaw`select touch_course()`, [page, 'courses']],
    ['DO', () => client.$executeRaw`do $$ begin update course set title = 'F'; end $$`, [page, 'courses']],
    [
      'INSERT that finds a conflict and updates',
      () =>
        client.$executeRaw`insert into category (slug, name) values (${category.slug}, 'New')
          on conflict (slug) do update set name = excluded.name`,
      ['categories', `category:${category.id}`]
    ],
    [
      'a reorder that swaps positions in one statement',
      () => client.$executeRaw`update module set position = 3 - position where course_id = ${id}`,
      [page]
    ],
    [
      'DELETE of a student',
      () => client.$executeRaw`delete from app_user where id = ${student.id}`,
      [`user:${student.id}`, `user:${student.id}:name`, `user:${student.id}:progress`]
    ],
    [
      'a session that begins',
      () => client.$executeRaw`insert into user_session (user_id, epoch, device, network, expires_at)
          values (${author.id}, 0, 'Firefox', '', now())`,
      [`user:${author.id}:sessions`]
    ],
    ['TRUNCATE of sessions', () => client.$executeRaw`truncate user_session`, [`user:${author.id}:sessions`]]
  ]
  const untouching: [what: string, write: () => Promise<unknown>][] = [
    ['an UPDATE that changes nothing', () => client.$executeRaw`update course set title = title, summary = summary`],
    [
      'one of all tables that are cached',
      async () => {
        for (const table of [
          'course',
          'module',
          'chapter',
          'category',
          'app_user',
          'enrollment',
          'chapter_completion'
        ]) {
          const [first] = await client.$queryRaw<{ name: string }[]>`
          select column_name as name from information_schema.columns where table_name = ${table} limit 1`
          await client.$executeRawUnsafe(`update ${table} set ${first?.name} = ${first?.name}`)
        }
      }
    ],
    ['the use of a session', () => client.$executeRaw`update user_session set last_used_at = now()`],
    ['an UPDATE of no row', () => client.$executeRaw`update course set title = 'X' where id = -1`],
    [
      'INSERT that finds a conflict and does nothing',
      () => client.$executeRaw`insert into category (slug, name) values (${category.slug}, 'X') on conflict do nothing`
    ],
    ['a question', () => client.$queryRaw`select 'update course set title' as text from course for update`]
  ]

  await client.$executeRaw`create function touch_course() returns int language plpgsql as $$
    begin update course set title = title || '!'; return 1; end $$`
  for (const [what, write] of untouching) {
    await t.test(`${what} touches nothing`, async (t) => t.same(await commitsOf(write), []))
  }
  for (const [what, write, tags] of touching) {
    await t.test(`${what} touches what it changes`, async (t) => t.same(await commitsOf(write), [tags.sort()]))
  }

  await t.test('TRUNCATE touches the tags of all rows', async (t) => {
    const user = `user:${author.id}`
    const tags = [page, 'courses', 'categories', `category:${category.id}`, user, `${user}:name`, `${user}:progress`]
    t.same(await commitsOf(() => client.$executeRaw`truncate course cascade`), [tags.sort()])
    t.equal(await client.course.count(), 0)
  })
})
