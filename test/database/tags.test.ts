import { randomUUID } from 'node:crypto'
import t from 'tap'
import { allApplied, onBothDatabases, studiedCourse } from '../support/both-databases.ts'
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

  /** Runs one write, and compares the touched tags with the expected ones. */
  async function touches<T>(
    what: string,
    write: () => Promise<T>,
    expected: string[] | ((made: T) => string[])
  ): Promise<void> {
    await t.test(what, async (t) => {
      const made: T[] = []
      await allApplied(database)
      const commits = await commitsOf(async () => made.push(await write()))
      const tags = typeof expected === 'function' ? made.flatMap(expected) : expected
      t.same(commits, tags.length === 0 ? [] : [tags.sort()])
    })
  }

  const publish = (...ids: number[]) =>
    client.course.updateMany({ where: { id: { in: ids } }, data: { status: 'published' } })
  const studied = await studiedCourse(database)
  const other = await studiedCourse(database)
  const draft = await studiedCourse(database)
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
    'a new draft',
    () => client.course.create({ data: { ...newCourse(), authorId: author.id } }),
    ({ id }) => [`course:${id}`]
  )
  await touches(
    'a new course that is published at once',
    () => client.course.create({ data: { ...newCourse(), authorId: author.id, status: 'published' } }),
    ({ id, slug }) => [`course:${id}`, 'courses', `slug:${slug}`]
  )
  await touches(
    'a new user with a published course and a draft, one of which has a module, and a new category',
    () =>
      client.user.create({
        data: {
          ...newUser(),
          courses: {
            create: [
              { ...newCourse(), status: 'published', modules: { create: { title: 'M', position: 1 } } },
              { ...newCourse(), category: { create: { slug: randomUUID(), name: 'C' } } }
            ]
          }
        },
        include: { courses: true }
      }),
    ({ id, courses }) => [
      `user:${id}`,
      'courses',
      'categories',
      ...courses.map(({ id }) => `course:${id}`),
      ...courses.filter(({ status }) => status === 'published').map(({ slug }) => `slug:${slug}`)
    ]
  )

  await touches('the title of a draft', () => client.course.update({ where: { id }, data: { title: 'New' } }), [page])
  const slugTag = (slug: string) => `slug:${slug}`
  await touches('a slug of a draft', () => client.course.update({ where: { id }, data: { slug: 'chosen' } }), [page])
  await touches('a publication', () => publish(id), [page, 'courses', 'slug:chosen'])
  await touches('another slug', () => client.course.update({ where: { id }, data: { slug: 'new' } }), [
    page,
    'courses',
    'slug:new'
  ])
  const old = { slug: 'chosen' }
  await touches('an old slug', () => client.courseSlug.create({ data: { ...old, courseId: id } }), ['slug:chosen'])
  await touches(
    'one that leads to another course',
    () => client.courseSlug.update({ where: old, data: { courseId: other.course.id } }),
    ['slug:chosen']
  )
  await touches('one that is forgotten', () => client.courseSlug.delete({ where: old }), ['slug:chosen'])
  await touches('a title', () => client.course.update({ where: { id }, data: { title: 'Newer' } }), [page, 'courses'])
  await touches('a publication of two courses', () => publish(id, other.course.id), [
    page,
    `course:${other.course.id}`,
    'courses',
    slugTag(other.course.slug)
  ])
  await touches(
    'the end of one',
    () => client.course.update({ where: { id: other.course.id }, data: { status: 'draft' } }),
    [`course:${other.course.id}`, 'courses']
  )
  await touches('no course at all', () => client.course.updateMany({ where: { id: -1 }, data: { title: 'New' } }), [])
  const upsert = () =>
    client.category.upsert({ where: { slug: 'upsert' }, create: { slug: 'upsert', name: 'A' }, update: { name: 'B' } })
  await touches('an upsert that inserts', upsert, ['categories'])
  await touches('an upsert that updates', upsert, ({ id }) => ['categories', `category:${id}`])
  await touches('an upsert that changes nothing', upsert, [])
  await touches(
    'modules, many at once',
    () => client.module.createMany({ data: [3, 4, 5].map((position) => ({ courseId: id, title: 'M', position })) }),
    [page, 'courses']
  )
  await touches(
    'the title of a module',
    () => client.module.update({ where: { id: module.id }, data: { title: 'New' } }),
    [page, 'search']
  )
  await touches(
    'the text of a chapter',
    () => client.chapter.update({ where: { id: chapter.id }, data: { content: 'New' } }),
    [page, 'search']
  )
  await touches(
    'the minutes of a chapter',
    () => client.chapter.update({ where: { id: chapter.id }, data: { minutes: 7 } }),
    [page]
  )
  await touches(
    'a module that moves to another course, a draft',
    () => client.module.update({ where: { id: emptyModule.id }, data: { courseId: other.course.id, position: 9 } }),
    [page, `course:${other.course.id}`, 'courses', 'search']
  )
  const moved = (courseId: number) => client.module.update({ where: { id: emptyModule.id }, data: { courseId } })
  await touches('one that moves from draft to draft', () => moved(draft.course.id), [
    `course:${other.course.id}`,
    `course:${draft.course.id}`
  ])
  await touches('the parts of a draft', async () => {
    const courseId = draft.course.id
    await database.write(async (tx) => {
      const { id: moduleId } = await tx.module.create({ data: { courseId, title: 'M', position: 20 } })
      await tx.chapter.create({ data: { courseId, moduleId, title: 'C', content: 'C', position: 1 } })
      await tx.module.delete({ where: { id: moduleId } })
    })
  }, [`course:${draft.course.id}`])

  const changeCategory = (data: { name: string } | { slug: string } | { description: string }) => () =>
    client.category.update({ where: { id: category.id }, data })
  const named = ['categories', `category:${category.id}`]
  await touches('a category that is renamed', changeCategory({ name: 'New' }), named)
  await touches('one that has another slug', changeCategory({ slug: randomUUID() }), named)
  await touches('one that is described otherwise', changeCategory({ description: 'New' }), ['categories'])
  const rename = ({ id }: { id: number }) => client.user.update({ where: { id }, data: { name: randomUUID() } })
  await touches('an author who is renamed', () => rename(author), [
    `user:${author.id}`,
    `user:${author.id}:name`,
    'courses'
  ])
  for (const [what, user] of [
    ['an author without published courses', draft.author],
    ['a student', student]
  ] as const) {
    await touches(`${what} who is renamed`, () => rename(user), [`user:${user.id}`, `user:${user.id}:name`])
  }
  for (const data of [
    { email: 'new@example.com' },
    { passwordHash: '?' },
    { role: 'admin' },
    { sessionEpoch: 7 },
    { name: author.name, avatarUrl: 'https://a.example/' }
  ] as const) {
    await client.user.update({ where: { id: author.id }, data: { name: author.name } })
    await touches(`${Object.keys(data)} of an author`, () => client.user.update({ where: { id: author.id }, data }), [
      `user:${author.id}`
    ])
  }
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
    ...named,
    'courses',
    page
  ])
  await touches('one that has a draft only', () => client.category.delete({ where: { id: draft.category.id } }), [
    'categories',
    `category:${draft.category.id}`,
    `course:${draft.course.id}`
  ])
  await touches('a course that is deleted, with its students', () => client.course.delete({ where: { id } }), [
    page,
    'courses',
    progress,
    `user:${author.id}:progress`
  ])
  await touches(
    'an author who is deleted, with his draft',
    () => client.user.delete({ where: { id: other.author.id } }),
    [`user:${other.author.id}`, `user:${other.author.id}:name`, `course:${other.course.id}`]
  )
  await publish(draft.course.id)
  await touches(
    'one who is deleted with a course that is public',
    () => client.user.delete({ where: { id: draft.author.id } }),
    [
      `user:${draft.author.id}`,
      `user:${draft.author.id}:name`,
      `course:${draft.course.id}`,
      'courses',
      `user:${draft.student.id}:progress`
    ]
  )

  await t.test('a draft that lists may still show touches them', async (t) => {
    const { course, author, modules } = await studiedCourse(database)
    const status = (status: 'draft' | 'published') =>
      client.course.update({ where: { id: course.id }, data: { status } })
    await status('published')
    await allApplied(database)
    await status('draft')
    const touchesLists = async (write: () => Promise<unknown>) =>
      (await commitsOf(write)).some((tags) => tags.includes('courses'))
    const writes = (title: string, module: { id: number }) => [
      () => client.course.update({ where: { id: course.id }, data: { title } }),
      () => client.module.delete({ where: { id: module.id } }),
      () => rename(author)
    ]
    for (const write of writes('New', modules[0])) t.equal(await touchesLists(write), true)
    await allApplied(database)
    for (const write of writes('Newer', modules[1]))
      t.equal(await touchesLists(write), false, 'no longer once the rows are applied')
  })
})
