import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory
} from '@prisma/driver-adapter-utils'
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'
import { withShortLockWaits } from './lock-waits.ts'
import { readMigrations } from './migrations.ts'
import { MigrationFailedError } from './unusable.ts'

const SCHEMA = fileURLToPath(new URL('../../prisma/schema.prisma', import.meta.url))
const NO_FILTERS = { externalTables: [], externalEnums: [] }

/**
 * Applies the pending migrations of `prisma/migrations`; resolves to their names. It runs Prisma's own migration
 * engine, compiled to WebAssembly: there is no binary to download, both databases use the same code, and the table
 * `_prisma_migrations` remains compatible with `prisma migrate deploy`. `waits` is called with the name of a migration
 * each time it cannot get a lock. Throws `MigrationFailedError`.
 */
export async function applyMigrations(
  database: SqlMigrationAwareDriverAdapterFactory,
  waits: (name: string) => void = () => {}
): Promise<string[]> {
  // Sent together, and so in one transaction: if the start is killed in between, the migration is marked as begun, but
  // none of it has been applied.
  const marked: RunMigration = (name, script, run) => {
    // On a line of its own, as the script may end with a comment.
    const scriptAndMark = `${script}
      ; update _prisma_migrations set finished_at = now()
      where migration_name = '${name}' and finished_at is null and rolled_back_at is null`
    return withShortLockWaits(scriptAndMark, run, () => waits(name))
  }
  return withSchemaEngine(database, marked, async (schemaEngine) => {
    const migrationsList = await migrationList()
    const { appliedMigrationNames } = await schemaEngine.applyMigrations({ migrationsList, filters: NO_FILTERS })
    return appliedMigrationNames
  })
}

/**
 * The session lock that the engine takes and never releases. Behind a pooler in transaction mode, it would stay on a
 * connection that other clients get. It is not needed: `Database.exclusively` already holds a lock.
 */
const ENGINE_LOCK = /^\s*select pg_advisory_lock\(\d+\)\s*$/i

/**
 * The SQL that leads from the migrations to `schema.prisma`; empty if they agree. `database` only provides a shadow
 * database. Throws `MigrationFailedError`.
 */
export async function diffMigrations(database: SqlMigrationAwareDriverAdapterFactory): Promise<string> {
  const unmarked: RunMigration = (_name, script, run) => run(script)
  return withSchemaEngine(database, unmarked, async (schemaEngine) => {
    const { stdout } = await schemaEngine.diff({
      from: { tag: 'migrations', ...(await migrationList()) },
      to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: await readFile(SCHEMA, 'utf8') }] },
      script: true,
      exitCode: null,
      filters: NO_FILTERS
    })
    const script = stdout ?? ''
    return /^\s*(--.*\s*)*$/.test(script) ? '' : script
  })
}

/** Runs the script of a migration with `run`. */
type RunMigration = (name: string, script: string, run: (script: string) => Promise<void>) => Promise<void>

/** Calls `task` with an engine whose migrations are run by `runMigration`. Throws `MigrationFailedError` if one fails. */
async function withSchemaEngine<T>(
  database: SqlMigrationAwareDriverAdapterFactory,
  runMigration: RunMigration,
  task: (schemaEngine: SchemaEngine) => Promise<T>
): Promise<T> {
  // The engine does not pass on the error of the database.
  let failure: MigrationFailedError | undefined
  const names = new Map((await readMigrations()).map(({ name, sql }) => [sql, name]))
  const adapted = (connection: SqlDriverAdapter) => {
    const run = connection.executeScript.bind(connection)
    const executeRaw = connection.executeRaw.bind(connection)
    connection.executeRaw = async (query) => (ENGINE_LOCK.test(query.sql) ? 0 : executeRaw(query))
    connection.executeScript = (script) => {
      const name = names.get(script)
      if (name === undefined) return run(script)
      return runMigration(name, script, run).catch((error) => {
        failure = new MigrationFailedError(name, error)
        throw error
      })
    }
    return connection
  }
  using schemaEngine = await openSchemaEngine({
    ...database,
    connect: async () => adapted(await database.connect()),
    connectToShadowDb: async () => adapted(await database.connectToShadowDb())
  })
  try {
    return await task(schemaEngine)
  } catch (error) {
    throw failure ?? error
  }
}

async function openSchemaEngine(database: SqlMigrationAwareDriverAdapterFactory): Promise<SchemaEngine> {
  await instantiate()
  return engine.SchemaEngine.new(
    { datamodels: [['schema.prisma', await readFile(SCHEMA, 'utf8')]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(database)
  )
}

/** The migrations in the engine's format. */
async function migrationList(): Promise<MigrationList> {
  const migrations = await readMigrations()
  return {
    baseDir: 'prisma/migrations',
    lockfile: { path: './migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } }
    }))
  }
}

/** The two functions that are used here: TypeScript declares them for browsers only. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<{ exports: Readonly<Record<string, unknown>> }>
}

let instantiated: Promise<void> | undefined

/** Does the work of the package's own entry point, which imports the `.wasm` file: that is experimental in Node 24. */
function instantiate(): Promise<void> {
  instantiated ??= (async () => {
    const file = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm'))
    const module = await WebAssembly.compile(await readFile(file))
    const imports: Record<string, unknown> = { ...engine }
    // The engine never clears its timer of ten seconds, which must not keep a command alive.
    for (const name of Object.keys(imports)) {
      if (name.startsWith('__wbg_setTimeout_'))
        imports[name] = (run: () => void, ms: number) => setTimeout(run, ms).unref()
    }
    const { exports } = await WebAssembly.instantiate(module, { './schema_engine_bg.js': imports })
    engine.__wbg_set_wasm(exports)
    if (typeof exports.__wbindgen_start === 'function') exports.__wbindgen_start()
  })()
  return instantiated
}
