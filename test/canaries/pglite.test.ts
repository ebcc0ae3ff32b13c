import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import t from 'tap'
import { freshDataDir } from '../support/data-dir.ts'
import { isPinned } from '../support/pinned.ts'

const NOTICE = `do $$ begin raise notice 'heard' using detail = 'why'; end $$`
const sql = (text: string, args: unknown[] = []) => ({ sql: text, args, argTypes: [] })

const pglite = await PGlite.create(join(await freshDataDir(t), 'postgres'))
t.teardown(() => pglite.close())

t.test('PGlite and its adapter are pinned: src/database/{commits,pglite,embedded,scripts}.ts hook into them', (t) =>
  isPinned(t, '@electric-sql/pglite', 'pglite-prisma-adapter')
)

t.test('PGlite', async (t) => {
  // src/database/commits.ts, watchPglite: each query gets the notices that it caused before it resolves.
  await t.test('onNotice gets message and detail before query() resolves, in a transaction too', async (t) => {
    const order: unknown[] = []
    const onNotice = ({ message, detail }: { message?: string | undefined; detail?: string | undefined }) =>
      order.push([message, detail])
    await pglite.query(NOTICE, [], { onNotice })
    order.push('resolved')
    await pglite.query('select 1', [], { onNotice })
    await pglite.transaction(async (tx) => {
      await tx.query(NOTICE, [], { onNotice })
      order.push('resolved')
    })
    t.same(order, [['heard', 'why'], 'resolved', ['heard', 'why'], 'resolved'])
  })

  // src/database/commits.ts, SIGNATURE: the triggers find the comment in current_query().
  await t.test('current_query() includes a comment at the beginning of a statement', async (t) => {
    const { rows } = await pglite.query<{ text: string }>('/* signed */ select current_query() as text, $1::int', [1])
    t.match(rows[0]?.text, /^\/\* signed \*\/ select/)
  })

  // src/database/commits.ts discards the tags of a transaction when rollback() is called or transaction() rejects.
  await t.test('transaction() resolves after the COMMIT, or after its callback has called rollback()', async (t) => {
    await pglite.exec('create table kept (id int)')
    await pglite.transaction((tx) => tx.query('insert into kept values (1)'))
    await pglite.transaction(async (tx) => {
      await tx.query('insert into kept values (2)')
      await tx.rollback()
    })
    await t.rejects(
      pglite.transaction(async (tx) => {
        await tx.query('insert into kept values (3)')
        throw new Error('given up')
      }),
      /given up/
    )
    t.same((await pglite.query('select id from kept')).rows, [{ id: 1 }])
  })

  // src/database/embedded.ts sets the session up once, because there is only one.
  await t.test('a setting made with exec() applies to all later statements', async (t) => {
    await pglite.exec(`set time zone 'Asia/Tokyo'`)
    t.same((await pglite.query('show time zone')).rows, [{ TimeZone: 'Asia/Tokyo' }])
    await pglite.transaction(async (tx) => {
      t.same((await tx.query('show time zone')).rows, [{ TimeZone: 'Asia/Tokyo' }])
    })
  })

  // The migrations of the search use the dictionaries of both languages.
  await t.test('it includes the Russian and the English dictionary', async (t) => {
    const { rows } = await pglite.query(`select to_tsvector('russian', 'книгами')::text as ru,
      websearch_to_tsquery('english', 'running "two words"')::text as en`)
    t.same(rows, [{ ru: `'книг':1`, en: `'run' & 'two' <-> 'word'` }])
  })

  // src/database/notifications.ts and embedded.ts listen on the only session.
  await t.test(
    'the callback of listen() gets each notification, and listen() resolves to a function that stops it',
    async (t) => {
      const heard: string[] = []
      const unlisten = await pglite.listen('canary', (payload) => heard.push(payload))
      await pglite.query(`select pg_notify('canary', 'one')`)
      await unlisten()
      await pglite.query(`select pg_notify('canary', 'two')`)
      t.same(heard, ['one'])
    }
  )

  // src/database/unavailable.ts, sqlState.
  await t.test('the code of an error is its SQLSTATE', async (t) => {
    await t.rejects(pglite.query('select 1 / 0'), { code: '22012' })
  })
})

t.test('pglite-prisma-adapter', async (t) => {
  const connection = await new PrismaPGlite(pglite).connect()
  await pglite.exec(`create table parent (id int primary key);
    create table child (id int references parent deferrable initially deferred)`)

  // src/database/commits.ts, watchPglite, assigns these two methods to the instance after the adapter was created.
  await t.test(
    'it calls query() and transaction() of the instance, and query() and rollback() of the transaction',
    async (t) => {
      const calls: string[] = []
      const query = pglite.query.bind(pglite)
      const transaction = pglite.transaction.bind(pglite)
      const watched: Pick<PGlite, 'query' | 'transaction'> = {
        query(text, params, options) {
          calls.push(`query ${text}`)
          return query(text, params, options)
        },
        transaction(task) {
          calls.push('transaction')
          return transaction((tx) => {
            const { query, rollback } = tx
            return task(
              Object.assign(tx, {
                query: (text: string, params?: unknown[], options?: object) => {
                  calls.push(`tx.query ${text}`)
                  return query(text, params, options)
                },
                rollback: () => {
                  calls.push('tx.rollback')
                  return rollback()
                }
              })
            )
          })
        }
      }
      Object.assign(pglite, watched)
      t.teardown(() => Object.assign(pglite, { query, transaction }))

      await connection.queryRaw(sql('select 1'))
      await connection.executeRaw(sql('select 2'))
      const committed = await connection.startTransaction()
      await committed.queryRaw(sql('select 3'))
      await committed.commit()
      const rolledBack = await connection.startTransaction()
      await rolledBack.executeRaw(sql('select 4'))
      await rolledBack.rollback()
      t.same(calls, [
        'query select 1',
        'query select 2',
        'transaction',
        'tx.query select 3',
        'transaction',
        'tx.query select 4',
        'tx.rollback'
      ])
    }
  )

  // src/database/pglite.ts, checkingBeforeCommit, exists because of this.
  await t.test('it loses the error of a COMMIT', async (t) => {
    const transaction = await connection.startTransaction()
    await transaction.executeRaw(sql('insert into child values (1)'))
    await t.resolves(transaction.commit(), 'if it rejects, pglite.ts no longer needs checkingBeforeCommit')
    t.same((await pglite.query('select from child')).rows, [], 'and nothing was written')
  })

  // src/database/scripts.ts, runningScripts, exists because of this.
  await t.test('executeScript() does not wait for the script', async (t) => {
    const exec = pglite.exec.bind(pglite)
    const run = Promise.withResolvers<void>()
    let done = false
    const watched: Pick<PGlite, 'exec'> = {
      exec: (script, options) =>
        exec(script, options).finally(() => {
          done = true
          run.resolve()
        })
    }
    Object.assign(pglite, watched)
    t.teardown(() => Object.assign(pglite, { exec }))
    await connection.executeScript('select pg_sleep(0.05)')
    t.equal(done, false, 'if it is done, and an error rejects, PGlite no longer needs runningScripts')
    await run.promise
  })
})
