import { AsyncLocalStorage } from 'node:async_hooks'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { Prisma, PrismaClient } from '#database/generated/client.ts'
import { migrate } from '#database/migrate.ts'
import { openDatabase } from '#database/open.ts'
import { isPinned } from '../support/pinned.ts'
import { PostgresServer } from '../support/postgres.ts'
import { recordingLog } from '../support/recording-log.ts'

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const url = await postgres.createDatabase()
const { log } = recordingLog()
const migrated = await openDatabase({ databaseUrl: url, dataDir: '' }, log)
await migrated.exclusively(() => migrate(migrated, log), log).finally(() => migrated.close())

/** A bare Prisma client, and a record of the statements that its pool gets. */
function openClient(t: Test, options: pg.PoolConfig = {}) {
  const pool = new pg.Pool({ connectionString: url, ...options })
  pool.on('error', () => {})
  const asked: unknown[] = []
  pool.on('connect', (client) => {
    client.on('error', () => {})
    const { query } = client
    Object.assign(client, {
      query: (statement: unknown, ...more: unknown[]) => {
        asked.push(statement)
        return Reflect.apply(query, client, [statement, ...more])
      }
    })
  })
  const client = new PrismaClient({ adapter: new PrismaPg(pool) })
  t.teardown(async () => {
    await client.$disconnect()
    await pool.end()
  })
  const texts = () => asked.map((statement) => Reflect.get(Object(statement), 'text'))
  return { client, pool, asked, texts }
}

const category = () => ({ slug: crypto.randomUUID(), name: 'Canary' })

t.test('prisma is pinned: src/database/{commits,guard,scripts,pool,unavailable}.ts hook into it', (t) =>
  isPinned(t, 'prisma', '@prisma/client', '@prisma/adapter-pg', '@prisma/driver-adapter-utils')
)

// src/database/commits.ts: textOf reads the text of a config object, signed replaces "BEGIN", isCommit looks for
// "COMMIT".
t.test('a transaction sends BEGIN, its statements and COMMIT or ROLLBACK, all as objects with a text', async (t) => {
  const { client, asked, texts } = openClient(t)
  await client.$transaction(async (tx) => {
    await tx.$executeRaw`select 1`
  })
  t.same(texts(), ['BEGIN', 'select 1', 'COMMIT'])
  t.ok(asked.every((statement) => typeof statement === 'object'))
  await t.rejects(
    client.$transaction(async () => {
      throw new Error('given up')
    }),
    /given up/
  )
  t.same(texts().slice(3), ['BEGIN', 'ROLLBACK'])
})

// src/database/commits.ts holds back the result of a write, so Prisma must wait for it. Single statements, which go to
// the pool, get their result by callback, and statements of a transaction by promise.
t.test('Prisma waits for a delayed result, both of a single statement and of a COMMIT', async (t) => {
  const { client, pool } = openClient(t)
  const held: string[] = []
  const hold = async (way: string) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    held.push(way)
  }
  pool.on('connect', (connection) => {
    const { query } = connection
    Object.assign(connection, {
      query: (...args: unknown[]) => {
        const callback = args.at(-1)
        if (typeof callback === 'function') {
          const later = (...answer: unknown[]) => void hold('callback').then(() => callback(...answer))
          return Reflect.apply(query, connection, args.with(-1, later))
        }
        const answer: Promise<unknown> = Reflect.apply(query, connection, args)
        return answer.then((result) => hold('promise').then(() => result))
      }
    })
  })
  await client.category.create({ data: category() })
  t.same(held, ['callback'])
  await client.$transaction(async (tx) => void (await tx.category.create({ data: category() })))
  t.same(held.slice(1), ['promise', 'promise', 'promise'])
})

// src/database/guard.ts: its extension sees operations, in transactions too, but not the transactions themselves.
t.test('a query extension sees all model and raw operations, in both kinds of transactions', async (t) => {
  const seen: string[] = []
  const inside = new AsyncLocalStorage<true>()
  const client = openClient(t).client.$extends({
    query: {
      $allOperations: async ({ operation, args, query }) => {
        seen.push(inside.getStore() ? `inside ${operation}` : operation)
        return query(args)
      }
    }
  })
  await client.category.count()
  await client.$queryRaw`select 1`
  await client.$executeRaw`select 1`
  await inside.run(true, () => client.$transaction(async (tx) => void (await tx.category.findFirst())))
  await inside.run(true, async () => await client.$transaction([client.category.count(), client.$queryRaw`select 1`]))
  t.same(seen, ['count', '$queryRaw', '$executeRaw', 'inside findFirst', 'inside count', 'inside $queryRaw'])
})

// src/database/guard.ts, and database.ts, write: "a query of Prisma begins when it is awaited".
t.test('an operation does nothing before it is awaited', async (t) => {
  const { client, asked } = openClient(t)
  const count = client.category.count()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(asked.length, 0)
  await count
  t.ok(asked.length > 0)
})

// src/database/guard.ts: the second extension replaces $transaction, and calls the one of the client that it extends.
t.test('a client extension may replace $transaction', async (t) => {
  const { client } = openClient(t)
  let calls = 0
  const extended = client.$extends({
    client: {
      $transaction: (...args: Parameters<typeof client.$transaction>) => {
        calls++
        return client.$transaction(...args)
      }
    }
  })
  const transaction: unknown = Reflect.apply(extended.$transaction, extended, [async () => 7])
  t.equal(await transaction, 7)
  t.equal(calls, 1)
})

// src/database/unavailable.ts, sqlState, reads the SQLSTATE from there.
t.test('meta.driverAdapterError.cause.originalCode of an error is the SQLSTATE', async (t) => {
  const { client } = openClient(t)
  const failed = await client.$executeRaw`select 1 / 0`.catch((error: unknown) => error)
  t.ok(failed instanceof Prisma.PrismaClientKnownRequestError)
  t.match(failed, { meta: { driverAdapterError: { cause: { originalCode: '22012' } } } })
})

// src/database/unavailable.ts, isSafeToRetry and isConnectionLost.
t.test('a serialization failure has the code P2034, and a lost connection the SQLSTATE 57P01', async (t) => {
  const { client } = openClient(t)
  const { id } = await client.category.create({ data: category() })
  const conflict = await client
    .$transaction(
      async (tx) => {
        await tx.category.findFirst()
        await client.category.update({ where: { id }, data: { name: 'first' } })
        await tx.category.update({ where: { id }, data: { name: 'second' } })
      },
      { isolationLevel: 'RepeatableRead' }
    )
    .catch((error: unknown) => error)
  t.match(conflict, { code: 'P2034' })
  const lost = await client.$queryRaw`select pg_terminate_backend(pg_backend_pid())`.catch((error: unknown) => error)
  t.match(lost, { meta: { driverAdapterError: { cause: { originalCode: '57P01' } } } })
})

// src/database/scripts.ts and schema-engine.ts replace methods of a connection, and wrap the factory that creates it.
t.test('a client accepts a factory that is a plain object with the members of the interface', async (t) => {
  const { pool } = openClient(t)
  const factory = new PrismaPg(pool)
  let connects = 0
  const client = new PrismaClient({
    adapter: {
      provider: factory.provider,
      adapterName: factory.adapterName,
      connect: async () => {
        connects++
        return factory.connect()
      }
    }
  })
  t.teardown(() => client.$disconnect())
  await client.category.count()
  await client.category.count()
  t.equal(connects, 1)
})
