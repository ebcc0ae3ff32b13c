import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'
import t from 'tap'
import { pgliteAdapter } from '#database/pglite.ts'
import { freshDataDir } from '../support/data-dir.ts'
import { isPinned } from '../support/pinned.ts'

/** The functions used here, which TypeScript declares only for browsers. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<{ exports: Readonly<Record<string, unknown>> }>
  Module: { imports(module: object): { module: string; name: string }[] }
}

const SCHEMA = `datasource db { provider = "postgresql" }
  model Canary { id Int @id }`
const SCRIPT = `create table "Canary" (id int primary key);
create function canary() returns int language plpgsql as $$ begin return 1; end; $$;`

const pglite = await PGlite.create(join(await freshDataDir(t), 'postgres'))
t.teardown(() => pglite.close())
const file = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm'))
const module = await WebAssembly.compile(await readFile(file))

t.test('the engine is pinned: src/database/schema-engine.ts loads it and intercepts its statements', (t) =>
  isPinned(t, '@prisma/schema-engine-wasm', '@prisma/driver-adapter-utils')
)

// src/database/schema-engine.ts, instantiate, does what the package's entry point does by importing the .wasm file.
t.test('the engine imports only functions of schema_engine_bg.js, including one timer', async (t) => {
  const wanted = WebAssembly.Module.imports(module)
  t.same([...new Set(wanted.map(({ module }) => module))], ['./schema_engine_bg.js'])
  t.same(
    wanted.filter(({ name }) => !(name in engine)),
    [],
    'all of them are exported'
  )
  t.equal(
    wanted.filter(({ name }) => name.startsWith('__wbg_setTimeout_')).length,
    1,
    'the timer that schema-engine.ts replaces'
  )
  const entry = await readFile(new URL('schema_engine.js', import.meta.resolve('@prisma/schema-engine-wasm')), 'utf8')
  t.match(entry, '__wbg_set_wasm(wasm)')
  t.match(entry, 'wasm.__wbindgen_start()')
})

// src/database/schema-engine.ts, adapted, skips the lock, and makes the record of a migration part of its script.
t.test('applyMigrations takes its lock with one statement, and runs each migration as one script', async (t) => {
  const imports: Record<string, unknown> = { ...engine }
  for (const name of Object.keys(imports)) {
    if (name.startsWith('__wbg_setTimeout_')) {
      imports[name] = (run: () => void, ms: number) => setTimeout(run, ms).unref()
    }
  }
  const { exports } = await WebAssembly.instantiate(module, { './schema_engine_bg.js': imports })
  engine.__wbg_set_wasm(exports)
  if (typeof exports.__wbindgen_start === 'function') exports.__wbindgen_start()

  const factory = pgliteAdapter(pglite)
  const statements: string[] = []
  const scripts: string[] = []
  const watched = {
    ...factory,
    connect: async () => {
      const connection = await factory.connect()
      const executeRaw = connection.executeRaw.bind(connection)
      const executeScript = connection.executeScript.bind(connection)
      connection.executeRaw = (query) => {
        statements.push(query.sql)
        return executeRaw(query)
      }
      connection.executeScript = (script) => {
        scripts.push(script)
        return executeScript(script)
      }
      return connection
    }
  }
  using schemaEngine = await engine.SchemaEngine.new(
    { datamodels: [['schema.prisma', SCHEMA]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(watched)
  )
  const { appliedMigrationNames } = await schemaEngine.applyMigrations({
    migrationsList: {
      baseDir: 'prisma/migrations',
      lockfile: { path: './migration_lock.toml', content: 'provider = "postgresql"\n' },
      shadowDbInitScript: '',
      migrationDirectories: [
        { path: '1_canary', migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: SCRIPT } } }
      ]
    },
    filters: { externalTables: [], externalEnums: [] }
  })
  t.same(appliedMigrationNames, ['1_canary'])
  const locks = statements.filter((statement) => /lock/i.test(statement))
  t.equal(locks.length, 1)
  t.match(locks[0], /^\s*select pg_advisory_lock\(\d+\)\s*$/i, 'ENGINE_LOCK must match it')
  t.ok(scripts.includes(SCRIPT), 'the unchanged text of the migration')
  const { rows } = await pglite.query(
    `select migration_name, finished_at is not null as finished, applied_steps_count from _prisma_migrations`
  )
  t.same(rows, [{ migration_name: '1_canary', finished: true, applied_steps_count: 1 }])
})
