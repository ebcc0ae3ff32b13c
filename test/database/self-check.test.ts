import t from 'tap'
import { requireCoherence } from '#database/self-check.ts'
import { onBothDatabases } from '../support/both-databases.ts'

await onBothDatabases(t, async (t, database) => {
  const { client } = database
  const rows = () => Promise.all([client.user.count(), client.cacheInvalidation.count()])

  await t.test('a database with working triggers passes, and the check leaves nothing behind', async (t) => {
    const before = await rows()
    await requireCoherence(database)
    t.same(await rows(), before)
  })

  await t.test('a database whose triggers do not fire is refused', async (t) => {
    await client.$executeRaw`alter table app_user disable trigger user`
    await t.rejects(requireCoherence(database), { message: /is not notified of its own writes/ })
    await client.$executeRaw`alter table app_user enable trigger user`
    await requireCoherence(database)
  })

  await t.test('a database whose triggers do not recognize the service is refused', async (t) => {
    const [before] = await client.$queryRaw<{ source: string }[]>`
      select pg_get_functiondef('cache_touch'::regproc) as source`
    const source = before?.source ?? ''
    const changed = source.replace('/* ai-akademiya-api */', '/* somebody else */')
    t.not(changed, source)
    await client.$executeRawUnsafe(changed)
    await t.rejects(requireCoherence(database), { message: /is not notified of its own writes/ })
    await client.$executeRawUnsafe(source)
    await requireCoherence(database)
  })

  await t.test('a database that shifts timestamps is refused', async (t) => {
    await client.$executeRaw`
      create function late() returns trigger language plpgsql as $$
        begin new.created_at := new.created_at + interval '5 hours'; return new; end $$`
    await client.$executeRaw`create trigger late before insert on app_user for each row execute function late()`
    await t.rejects(requireCoherence(database), {
      message: /stored incorrectly \(2020-02-02T20:20:20.000Z as 2020-02-03T01:20/
    })
    await client.$executeRaw`drop trigger late on app_user`
  })
})
