import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { onBothDatabases, studiedCourse } from '../support/both-databases.ts'
import { listenTo } from '../support/commits.ts'
import { timed } from '../support/eventually.ts'

const AT_ONCE_MS = 1000

await onBothDatabases(t, async (t, database) => {
  const { client } = database
  const { commitsOf } = listenTo(database)
  const { course, category, author, student, modules } = await studiedCourse(database)
  const { id } = course
  const [module] = modules
  // A draft, so no list shows it.
  const tagsOfTitle = [`course:${id}`]
  const rename = (title: string) => client.course.update({ where: { id }, data: { title } })
  const title = async () => (await client.course.findUniqueOrThrow({ where: { id } })).title
  const outboxRows = () => client.cacheInvalidation.count()

  await t.test('a read notifies no listener', async (t) => {
    const commits = await commitsOf(async () => {
      await client.course.findMany({ include: { modules: true } })
      await client.course.count()
      await client.course.aggregate({ _max: { id: true } })
      await client.course.groupBy({ by: ['level'] })
      await client.$queryRaw`select 1`
    })
    t.same(commits, [])
  })

  await t.test('a write resolves after its listeners, which already see the commit', async (t) => {
    const writes = [
      rename,
      (title: string) => database.write((tx) => tx.course.update({ where: { id }, data: { title } }))
    ]
    for (const [i, write] of writes.entries()) {
      const gate = Promise.withResolvers<void>()
      const heard = Promise.withResolvers<string>()
      database.onCommit(async () => {
        heard.resolve(await title())
        await gate.promise
      })
      let resolved = false
      const writing = write(`A${i}`).then(() => {
        resolved = true
      })
      t.equal(await heard.promise, `A${i}`)
      await sleep(50)
      t.equal(resolved, false)
      gate.resolve()
      await writing
    }
  })

  await t.test('a transaction is reported once, after its commit', async (t) => {
    const { commits } = listenTo(database)
    const result = await database.write(async (tx) => {
      await tx.course.update({ where: { id }, data: { title: 'B' } })
      await tx.category.update({ where: { id: category.id }, data: { name: 'B' } })
      await tx.$executeRaw`update app_user set bio = 'B' where id = ${author.id}`
      t.same(commits, [], 'not yet')
      return 'result'
    })
    t.equal(result, 'result')
    t.same(commits, [[...tagsOfTitle, 'categories', `category:${category.id}`, `user:${author.id}`].sort()])
    t.equal(await title(), 'B')
  })

  await t.test('both forms of Prisma’s $transaction are reported once, after the commit', async (t) => {
    const { commitsOf } = listenTo(database)
    const batch = await commitsOf(() =>
      client.$transaction([rename('C'), client.user.update({ where: { id: author.id }, data: { bio: 'C' } })])
    )
    t.same(batch, [[...tagsOfTitle, `user:${author.id}`].sort()])
    const interactive = await commitsOf(() =>
      client.$transaction(async (tx) => {
        await tx.course.update({ where: { id }, data: { title: 'D' } })
        await tx.user.update({ where: { id: author.id }, data: { bio: 'D' } })
      })
    )
    t.same(interactive, [[...tagsOfTitle, `user:${author.id}`].sort()])
  })

  await t.test('concurrent writes are reported separately', async (t) => {
    const { commitsOf } = listenTo(database)
    const ids = Array.from({ length: 15 }, (_, i) => 1000 + i)
    await client.user.createMany({
      data: ids.map((id) => ({ id, name: 'N', email: `${id}@example.com`, passwordHash: '!' }))
    })
    const writes = ids.map(
      (id, i) => () =>
        i % 2 === 0
          ? client.user.update({ where: { id }, data: { bio: 'New' } })
          : database.write((tx) => tx.user.update({ where: { id }, data: { bio: 'New' } }))
    )
    const commits = await commitsOf(() => Promise.all(writes.map((write) => write())))
    t.same(
      commits.sort(),
      ids.map((id) => [`user:${id}`])
    )
  })

  await t.test('a rollback is not reported, and leaves nothing in the outbox', async (t) => {
    const { commitsOf } = listenTo(database)
    const [before, rows] = [await title(), await outboxRows()]
    const failing: Record<string, () => Promise<unknown>> = {
      'a task that throws': () =>
        database.write(async (tx) => {
          await tx.course.update({ where: { id }, data: { title: 'never' } })
          throw new Error('changed my mind')
        }),
      'a statement that breaks a constraint': () =>
        client.module.createMany({ data: [7, 8, 8].map((position) => ({ courseId: id, title: 'M', position })) }),
      'a statement in SQL that does': () => client.$executeRaw`update course set title = 'never', author_id = -1`,
      'a batch of which one does': () =>
        client.$transaction([rename('never'), client.course.create({ data: { ...course, id: undefined } })]),
      'a commit that does': () =>
        database.write(async (tx) => {
          await tx.$executeRaw`set constraints all deferred`
          await tx.module.create({ data: { courseId: id, title: 'never', position: module.position } })
        })
    }
    for (const [what, task] of Object.entries(failing)) {
      t.same(await commitsOf(() => t.rejects(task(), what)), [], what)
      t.same(await commitsOf(title), [], `it is not reported with the next statement either: ${what}`)
    }
    t.equal(await title(), before)
    t.equal(await outboxRows(), rows)
  })

  await t.test('a task that continues after a database error writes nothing, and reports nothing', async (t) => {
    const { commitsOf } = listenTo(database)
    const commits = await commitsOf(() =>
      database
        .write(async (tx) => {
          await tx.course.update({ where: { id }, data: { title: 'never' } })
          await tx.$executeRaw`select 1 / 0`.catch(() => {})
        })
        .catch(() => {})
    )
    t.same(commits, [])
    t.not(await title(), 'never')
  })

  await t.test('inside a write every use of the outer client is refused at once', async (t) => {
    const inside: Record<string, () => Promise<unknown>> = {
      'a read': () => client.course.findMany(),
      'a count': () => client.course.count(),
      'a write': () => rename('never'),
      'a question in SQL': () => client.$queryRaw`select 1`,
      'a statement in SQL': () => client.$executeRaw`update course set title = 'never'`,
      'another write': () => database.write(async (tx) => tx.course.count()),
      'a batch': () => client.$transaction([client.course.count()]),
      'a transaction': () => client.$transaction(async (tx) => tx.course.count())
    }
    for (const [what, ask] of Object.entries(inside)) {
      const [, ms] = await timed(() => t.rejects(database.write(ask), { message: /\btx\b/ }, what))
      t.ok(ms < AT_ONCE_MS, `${what}: ${ms} ms`)
    }
    t.not(await title(), 'never')
    t.equal(await database.write((tx) => tx.user.count({ where: { id: student.id } })), 1, 'and it works afterwards')
  })

  await t.test('a write past its timeout is rolled back and not reported', async (t) => {
    const { commitsOf } = listenTo(database)
    const slow = () =>
      database.write(
        async (tx) => {
          await tx.course.update({ where: { id }, data: { title: 'never' } })
          await sleep(300)
          await tx.course.count()
        },
        { timeout: 100 }
      )
    t.same(await commitsOf(() => t.rejects(slow())), [])
    t.same(await commitsOf(() => rename('after')), [[...tagsOfTitle].sort()])
    t.equal(await title(), 'after')
  })
})
