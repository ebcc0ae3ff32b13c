import t, { type Test } from 'tap'
import { PrismaClient } from '#database/generated/client.ts'
import { onBothDatabases, studiedCourse } from '../support/both-databases.ts'

const MANY = { moduleCount: 12, chaptersPerModule: 10 }

await onBothDatabases(t, async (t, database) => {
  // A client without the service's extension, to test the database alone.
  const client = new PrismaClient({ adapter: database.adapter })
  t.teardown(() => client.$disconnect())
  const { author, student, category, course, modules, chapters } = await studiedCourse(database)
  const other = await studiedCourse(database)

  await t.test('two positions can be swapped in a transaction that defers constraints', async (t) => {
    const positions = () => client.module.findMany({ where: { courseId: course.id }, orderBy: { position: 'asc' } })
    await client.$transaction([client.$executeRaw`set constraints all deferred`, ...reorder(client, modules, 2, 1)])
    t.strictSame(
      (await positions()).map(({ title }) => title),
      ['Second', 'First']
    )

    await client.$transaction(async (tx) => {
      await tx.$executeRaw`set constraints all deferred`
      await tx.chapter.update({ where: { id: chapters[0].id }, data: { position: 2 } })
      await tx.chapter.update({ where: { id: chapters[1].id }, data: { position: 1 } })
    })
    const order = await client.chapter.findMany({ where: { courseId: course.id }, orderBy: { position: 'asc' } })
    t.strictSame(
      order.map(({ title }) => title),
      ['Two', 'One']
    )
  })

  await t.test('a duplicate position is refused, at once or at commit, and nothing changes', async (t) => {
    const before = await client.module.findMany({ orderBy: { id: 'asc' } })
    const taken = () => client.module.update({ where: { id: modules[0].id }, data: { position: 1 } })
    await t.rejects(taken(), { code: 'P2002' }, 'at once')
    await t.rejects(client.$transaction([client.$executeRaw`set constraints all deferred`, taken()]), 'at commit')
    await t.rejects(
      client.$transaction(async (tx) => {
        await tx.$executeRaw`set constraints all deferred`
        await tx.module.update({ where: { id: modules[0].id }, data: { position: 1 } })
      }),
      'at commit, of an interactive one'
    )
    await t.rejects(
      client.$transaction(reorder(client, modules, 1, 2)),
      { code: 'P2002' },
      'a swap without deferred constraints'
    )
    t.strictSame(await client.module.findMany({ orderBy: { id: 'asc' } }), before)
  })

  await t.test('positions begin at 1, and a chapter takes 1 to 600 minutes', async (t) => {
    const id = { id: chapters[0].id }
    await refused(t, client.module.update({ where: { id: modules[0].id }, data: { position: 0 } }))
    await refused(t, client.chapter.update({ where: id, data: { position: 0 } }))
    await refused(t, client.chapter.update({ where: id, data: { position: -1 } }))
    for (const minutes of [0, -5, 601]) await refused(t, client.chapter.update({ where: id, data: { minutes } }))
    for (const minutes of [600, 1]) {
      t.equal((await client.chapter.update({ where: id, data: { minutes } })).minutes, minutes)
    }
  })

  await t.test('an e-mail is lower-case and unique', async (t) => {
    const data = { name: 'N', passwordHash: '!' }
    await refused(t, client.user.create({ data: { ...data, email: 'Mixed@example.com' } }))
    await t.rejects(client.user.create({ data: { ...data, email: author.email } }), { code: 'P2002' })
  })

  await t.test('a generation has 1 to 12 modules of 1 to 10 chapters', async (t) => {
    const data = { userId: author.id, topic: 'T', level: 'beginner', language: 'en', ...MANY } as const
    for (const moduleCount of [0, 13]) await refused(t, client.generationJob.create({ data: { ...data, moduleCount } }))
    for (const chaptersPerModule of [0, 11]) {
      await refused(t, client.generationJob.create({ data: { ...data, chaptersPerModule } }))
    }
    t.match(await client.generationJob.create({ data }), MANY)
    t.match(await client.generationJob.create({ data: { ...data, moduleCount: 1, chaptersPerModule: 1 } }), {
      courseId: null
    })
  })

  await t.test('parts of a course cannot reference another course', async (t) => {
    const [foreign] = other.modules
    const data = { courseId: course.id, moduleId: foreign.id, title: 'T', content: 'C', position: 9 }
    await t.rejects(client.chapter.create({ data }), { code: 'P2003' }, 'a module of another course')
    const completion = { userId: student.id, courseId: course.id, chapterId: other.chapters[1].id }
    await t.rejects(client.chapterCompletion.create({ data: completion }), { code: 'P2003' }, 'a chapter of another')
    const guest = { userId: author.id, courseId: course.id, chapterId: chapters[1].id }
    await t.rejects(client.chapterCompletion.create({ data: guest }), { code: 'P2003' }, 'progress without enrollment')
  })

  await t.test('deleting a category leaves its courses without one', async (t) => {
    await client.category.delete({ where: { id: category.id } })
    t.match(await client.course.findUnique({ where: { id: course.id } }), { id: course.id, categoryId: null })
  })

  await t.test('deleting a course deletes its own modules, chapters, enrollments and progress', async (t) => {
    const parts = async (courseId: number) => {
      const where = { courseId }
      return Promise.all([
        client.module.count({ where }),
        client.chapter.count({ where }),
        client.enrollment.count({ where }),
        client.chapterCompletion.count({ where })
      ])
    }
    t.strictSame(await parts(course.id), [2, 2, 1, 1])
    await client.course.delete({ where: { id: course.id } })
    t.strictSame(await parts(course.id), [0, 0, 0, 0])
    t.strictSame(await parts(other.course.id), [2, 2, 1, 1])
    t.equal(await client.user.count({ where: { id: { in: [author.id, student.id] } } }), 2, 'users are kept')
  })

  await t.test('deleting a module, a chapter or an enrollment deletes the rows that depend on it', async (t) => {
    const where = { courseId: other.course.id }
    await client.enrollment.deleteMany({ where })
    t.equal(await client.chapterCompletion.count({ where }), 0)
    await client.module.delete({ where: { id: other.modules[0].id } })
    t.equal(await client.chapter.count({ where }), 0)
  })
})

/** Sets the positions of two modules, one after the other. */
function reorder(client: PrismaClient, [one, two]: readonly [{ id: number }, { id: number }], ...to: [number, number]) {
  return [
    client.module.update({ where: { id: one.id }, data: { position: to[0] } }),
    client.module.update({ where: { id: two.id }, data: { position: to[1] } })
  ]
}

/** A check constraint refuses it. */
function refused(t: Test, write: Promise<unknown>) {
  return t.rejects(write, /check|constraint/i)
}
