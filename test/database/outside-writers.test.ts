import t from 'tap'
import { onBothDatabases, studiedCourse } from '../support/both-databases.ts'
import { listenTo } from '../support/commits.ts'

await onBothDatabases(t, async (t, database) => {
  const { client } = database
  const { category } = await studiedCourse(database)
  const rename = (name: string) => client.category.update({ where: { id: category.id }, data: { name } })

  await t.test('TRUNCATE is refused at an isolation level whose snapshot may miss removed rows', async (t) => {
    const truncate = (level: string) =>
      database.write(async (tx) => {
        await tx.$executeRawUnsafe(`set transaction isolation level ${level}`)
        await tx.$executeRaw`truncate generation_job cascade`
      })
    await truncate('read committed')
    for (const level of ['repeatable read', 'serializable']) {
      await t.rejects(truncate(level), { message: /write conflict|truncate at read committed/ }, level)
    }
  })

  await t.test('outbox rows restored from another cluster suppress no invalidation', async (t) => {
    const { commitsOf } = listenTo(database)
    // The ids of the next transactions here, as another cluster may have used them.
    await client.$executeRaw`
      insert into cache_invalidation (xid, tag, applied_at)
      select ((pg_current_xact_id()::text::bigint + n)::text)::xid8, 'categories', now() from generate_series(1, 50) n`
    t.same(await commitsOf(() => rename('new')), [['categories', `category:${category.id}`]])
  })
})
