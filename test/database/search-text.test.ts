import t, { type Test } from 'tap'
import { CourseLists } from '#courses/course-lists.ts'
import { allApplied, onBothDatabases, studiedCourse } from '../support/both-databases.ts'
import { listenTo } from '../support/commits.ts'

/** Writes that bypass Prisma's models: triggers keep the search index current. */
await onBothDatabases(t, async (t, database, kind) => {
  const { client } = database
  const { commitsOf } = listenTo(database)
  const lists = new CourseLists(database)
  const { course, modules, chapters, author } = await studiedCourse(database)
  const { id } = course
  const finds = async (t: Test, search: string, expected: number[], what = search) => {
    const { items } = await lists.page({ page: 1, limit: 100, search })
    t.same(
      items.map(({ id }) => id).sort((a, b) => a - b),
      expected,
      what
    )
  }
  const run = (sql: string) => client.$executeRawUnsafe(sql)

  await t.test('a draft is not found; a published course is found by all of its text', async (t) => {
    await run(
      `update course set title = 'Harpsichord', summary = 'Umbrella', description = 'Locomotive' where id = ${id}`
    )
    await run(`update module set title = 'Pineapple' where id = ${modules[0].id}`)
    await run(`update chapter set title = 'Zeppelin', content = 'Thunderstorm' where id = ${chapters[0].id}`)
    const words = ['harpsichord', 'umbrella', 'locomotive', 'pineapple', 'zeppelin', 'thunderstorm']
    for (const word of words) await finds(t, word, [])
    await run(`update course set status = 'published' where id = ${id}`)
    for (const word of words) await finds(t, word, [id])
    await finds(t, 'harpsichrod', [id], 'with a typo')
    await run(`update course set status = 'draft' where id = ${id}`)
    for (const word of [...words, 'harpsichrod']) await finds(t, word, [])
    await run(`update course set status = 'published' where id = ${id}`)
  })

  await t.test('every change of a course is found at once', async (t) => {
    const changes: [sql: string, lost: string, found: string][] = [
      [`update course set title = 'Accordion' where id = ${id}`, 'harpsichord', 'accordion'],
      [`update course set summary = 'Kaleidoscope' where id = ${id}`, 'umbrella', 'kaleidoscope'],
      [`update chapter set content = 'Butterscotch'`, 'thunderstorm', 'butterscotch'],
      [`update module set summary = 'Wheelbarrow'`, 'nothing', 'wheelbarrow'],
      [
        `insert into chapter (course_id, module_id, title, content, position)
           select ${id}, ${modules[0].id}, 'T', 'Number' || n, n from generate_series(10, 20) as n`,
        'nothing',
        'number15'
      ],
      [`delete from chapter where content = 'Number15'`, 'number15', 'number16'],
      [`delete from module where id = ${modules[0].id}`, 'number16', 'wheelbarrow']
    ]
    for (const [sql, lost, found] of changes) {
      await run(sql)
      await finds(t, lost, [])
      await finds(t, found, [id])
    }
  })

  await t.test('a part moved to another course is found there', async (t) => {
    const other = await studiedCourse(database)
    await run(`update course set status = 'published' where id = ${other.course.id}`)
    await run(`update module set title = 'Gramophone' where id = ${modules[1].id}`)
    await finds(t, 'gramophone', [id])
    await run(`update module set course_id = ${other.course.id}, position = 9 where id = ${modules[1].id}`)
    await finds(t, 'gramophone', [other.course.id])
    await run(`delete from course where id = ${other.course.id}`)
    await finds(t, 'gramophone', [])
  })

  await t.test(
    'text shown only by searches touches searches alone, and text of a draft touches neither lists nor searches',
    async (t) => {
      const page = `course:${id}`
      const { id: moduleId } = await client.module.create({ data: { courseId: id, title: 'M', position: 5 } })
      const data = { courseId: id, moduleId, title: 'C', content: 'C', position: 1 }
      const { id: chapterId } = await client.chapter.create({ data })
      const touched = async (sql: string) => {
        await allApplied(database)
        return commitsOf(() => run(sql))
      }
      t.same(await touched(`update chapter set content = 'New' where id = ${chapterId}`), [[page, 'search']])
      t.same(await touched(`update module set title = 'New' where id = ${moduleId}`), [[page, 'search']])
      t.same(await touched(`update chapter set minutes = 9 where id = ${chapterId}`), [[page]])
      t.same(await touched(`update module set position = 7 where id = ${moduleId}`), [[page]])
      t.same(await touched(`update course set title = 'New' where id = ${id}`), [[page, 'courses'].sort()])
      await run(`update course set status = 'draft' where id = ${id}`)
      t.same(await touched(`update chapter set content = 'Newer' where id = ${chapterId}`), [[page]])
      await run(`update course set status = 'published' where id = ${id}`)
      await run(`update course set status = 'draft' where id = ${id}`)
      t.same(
        await commitsOf(() => run(`update chapter set content = 'Newest' where id = ${chapterId}`)),
        [[page, 'search']],
        'text that searches may still show touches them'
      )
      await run(`update course set status = 'published' where id = ${id}`)
    }
  )

  await t.test('no text is too long or too unusual to be stored', async (t) => {
    const [row] = await client.module.findMany({ where: { courseId: id }, take: 1 })
    const text = {
      'two million different words': `(select string_agg(md5(n::text), ' ') from generate_series(1, 200000) as n)`,
      'the shortest words that differ': `(select string_agg(chr(19968 + mod(n, 20000)) || chr(19968 + n / 20), ' ') from generate_series(1, 100000) as n)`,
      'one word': `repeat('long', 500000)`,
      'signs alone': `repeat('<->&|!:*''"\\', 100000)`,
      'one word, again and again': `repeat('word ', 400000)`
    }
    for (const [what, sql] of Object.entries(text)) {
      await run(`delete from chapter where course_id = ${id}`)
      await run(`insert into chapter (course_id, module_id, title, content, position)
        select ${id}, ${row?.id}, 'Findable' || n, 'Beginning' || n || ' ' || ${sql}, n from generate_series(1, 3) as n`)
      await finds(t, 'findable3', [id], what)
      await finds(t, 'beginning3', [id], what)
    }
    await run(`update course set title = 'T', summary = ${text['the shortest words that differ']},
      description = ${text['the shortest words that differ']} where id = ${id}`)
    await finds(t, 'findable2', [id])
    await run(`update course set title = 'T', summary = 'S', description = '' where id = ${id}`)
  })

  await t.test('decomposed letters are found, even if written from outside', async (t) => {
    await run(`update course set title = '${'Ёжик и йод'.normalize('NFD')}', language = 'ru' where id = ${id}`)
    for (const search of ['йод', 'йода', 'ёжик', 'ежики']) await finds(t, search, [id])
  })

  await t.test('one statement can write or truncate many courses', async (t) => {
    await run(`insert into course (slug, title, summary, level, language, status, author_id)
      select 'many-' || n, 'Many ' || n, '', 'beginner', 'en', 'published', ${author.id} from generate_series(1, 300) as n`)
    t.equal((await lists.page({ page: 1, limit: 1, search: 'many' })).total, 300)
    await run(`delete from course where slug = 'many-7'`)
    t.equal((await lists.page({ page: 1, limit: 1, search: 'many' })).total, 299)
    await finds(t, 'findable2', [id])
    await run('truncate chapter cascade')
    await finds(t, 'findable2', [])
    await run('truncate course cascade')
    t.equal((await lists.page({ page: 1, limit: 1, search: 'many' })).total, 0)
  })

  if (kind === 'postgres') {
    await t.test('without pg_trgm words with one typo still match', async (t) => {
      await run('drop extension pg_trgm cascade')
      const { course } = await studiedCourse(database)
      await run(`update course set title = 'Programming', status = 'published' where id = ${course.id}`)
      for (const search of ['programming', 'programmer', 'porgramming']) await finds(t, search, [course.id])
      await finds(t, 'prgrmaming', [])
    })
  }
})
