import { randomUUID } from 'node:crypto'
import t from 'tap'
import { onBothDatabases, studiedCourse } from '../support/both-databases.ts'
import { listenTo } from '../support/commits.ts'

await onBothDatabases(t, async (t, database) => {
  const { client } = database
  const { commitsOf } = listenTo(database)
  const newUser = (name = 'Someone') => ({ name, email: `${randomUUID()}@example.com`, passwordHash: '!' })
  const newCourse = () => ({
    slug: randomUUID(),
    title: 'T',
    summary: 'S',
    level: 'beginner' as const,
    language: 'en'
  })

  /** Makes one write, and compares what it touched with what it should. */
  async function touches<T>(
    what: string,
    write: () => Promise<T>,
    expected: string[] | ((made: T) => string[])
  ): Promise<void> {
    await t.test(what, async (t) => {
      const made: T[] = []
      const commits = await commitsOf(async () => made.push(await write()))
      const tags = typeof expected === 'function' ? made.flatMap(expected) : expected
      t.same(commits, tags.length === 0 ? [] : [tags.sort()])
    })
  }

  const studied = await studiedCourse(database)
  const other = await studiedCourse(database)
  const { author, student, category } = studied
  const { id } = studied.course
  const [module, emptyModule] = studied.modules
  const [chapter, unread] = studied.chapters
  const page = `course:${id}`
  const progress = `user:${student.id}:progress`

  await touches(
    'a new user',
    () => client.user.create({ data: newUser() }),
    ({ id }) => [`user:${id}`]
  )
  await touches('a new category', () => client.category.create({ data: { slug: randomUUID(), name: 'C' } }), [
    'categories'
  ])
  await touches(
    'a new course',
    () => client.course.create({ data: { ...newCourse(), authorId: author.id } }),
    ({ id }) => [`course:${id}`, 'courses']
  )
  await touches(
    'a new user with two courses, one of which has a module, and a new category',
    () =>
      client.user.create({
        data: {
          ...newUser(),
          courses: {
            create: [
              { ...newCourse(), modules: { create: { title: 'M', position: 1 } } },
              { ...newCourse(), category: { create: { slug: randomUUID(), name: 'C' } } }
            ]
          }
        },
        include: { courses: true }
      }),
    ({ id, courses }) => [`user:${id}`, 'courses', 'categories', ...courses.map(({ id }) => `course:${id}`)]
  )

  await touches('a title', () => client.course.update({ where: { id }, data: { title: 'New' } }), [page, 'courses'])
  await touches(
    'a status of several courses',
    () => client.course.updateMany({ where: { id: { in: [id, other.course.id] } }, data: { status: 'published' } }),
    [page, `course:${other.course.id}`, 'courses']
  )
  await touches('no course at all', () => client.course.updateMany({ where: { id: -1 }, data: { title: 'New' } }), [])
  const upsert = () =>
    client.category.upsert({ where: { slug: 'upsert' }, create: { slug: 'upsert', name: 'A' }, update: { name: 'B' } })
  await touches('an upsert that inserts', upsert, ['categories'])
  await touches('an upsert that updates', upsert, ['categories'])
  await touches('an upsert that changes nothing', upsert, [])
  await touches(
    'modules, many at once',
    () => client.module.createMany({ data: [3, 4, 5].map((position) => ({ courseId: id, title: 'M', position })) }),
    [page, 'courses']
  )
  await touches(
    'the title of a module',
    () => client.module.update({ where: { id: module.id }, data: { title: 'New' } }),
    [page]
  )
  await touches(
    'the text of a chapter',
    () => client.chapter.update({ where: { id: chapter.id }, data: { content: 'New' } }),
    [page]
  )
  await touches(
    'a module that moves to another course',
    () => client.module.update({ where: { id: emptyModule.id }, data: { courseId: other.course.id, position: 9 } }),
    [page, `course:${other.course.id}`, 'courses']
  )

  await touches(
    'a category that is renamed',
    () => client.category.update({ where: { id: category.id }, data: { name: 'New' } }),
    ['categories', page]
  )
  await touches(
    'an author who is renamed',
    () => client.user.update({ where: { id: author.id }, data: { name: 'New' } }),
    [
      `user:${author.id}`,
      'courses',
      page,
      ...(await client.course.findMany({ where: { authorId: author.id, id: { not: id } } })).map(
        ({ id }) => `course:${id}`
      )
    ]
  )
  await touches(
    'what an author says of himself',
    () => client.user.update({ where: { id: author.id }, data: { bio: 'New' } }),
    [`user:${author.id}`]
  )

  const key = { userId_chapterId: { userId: student.id, chapterId: unread.id } }
  await touches(
    'a chapter that is completed',
    () => client.chapterCompletion.create({ data: { userId: student.id, courseId: id, chapterId: unread.id } }),
    [progress]
  )
  await touches('one that is not any more', () => client.chapterCompletion.delete({ where: key }), [progress])
  await touches('an enrollment', () => client.enrollment.create({ data: { userId: author.id, courseId: id } }), [
    `user:${author.id}:progress`
  ])
  await touches(
    'the end of one, with what was completed',
    () =>
      client.enrollment.delete({ where: { userId_courseId: { userId: other.student.id, courseId: other.course.id } } }),
    [`user:${other.student.id}:progress`]
  )
  await touches(
    'a chapter that is deleted, and that somebody has completed',
    () => client.chapter.delete({ where: { id: chapter.id } }),
    [page, 'courses', progress]
  )
  await touches('a category that is deleted', () => client.category.delete({ where: { id: category.id } }), [
    'categories',
    'courses',
    page
  ])
  await touches('a course that is deleted, with its students', () => client.course.delete({ where: { id } }), [
    page,
    'courses',
    progress,
    `user:${author.id}:progress`
  ])
  await touches(
    'an author who is deleted, with the course',
    () => client.user.delete({ where: { id: other.author.id } }),
    [`user:${other.author.id}`, `course:${other.course.id}`, 'courses']
  )
})
