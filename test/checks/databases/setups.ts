import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '#config/environment.ts'
import { query } from '../../support/database.ts'
import { PgBouncer } from '../../support/pgbouncer.ts'
import type { PostgresServer } from '../../support/postgres.ts'
import type { Owner } from '../../support/topologies.ts'

const READ_ONLY_MS = 5000
const TERMINATE = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`

/** One way in which an operator may set up a database and the way to it. */
export interface Setup {
  readonly name: string
  /** Prepares the database; resolves to the environment of the processes. `url` is that of a superuser. */
  prepare(url: string, postgres: PostgresServer, owner: Owner): Promise<Environment>
  /** A disturbance under load. */
  strike?(url: string): Promise<void>
}

export const SETUPS: readonly Setup[] = [
  { name: 'direct', prepare: async (url) => ({ DATABASE_URL: url }) },
  {
    name: 'PgBouncer, session mode, application_name_add_host=1',
    prepare: (url, postgres, owner) => behind(url, postgres, owner, 'session', 'application_name_add_host=1')
  },
  {
    name: 'PgBouncer, transaction mode',
    prepare: (url, postgres, owner) => behind(url, postgres, owner, 'transaction')
  },
  {
    name: 'PgBouncer, transaction mode, DATABASE_DIRECT_URL',
    prepare: async (url, postgres, owner) => ({
      ...(await behind(url, postgres, owner, 'transaction')),
      DATABASE_DIRECT_URL: url
    })
  },
  {
    name: 'PgBouncer, transaction mode, time zone America/New_York',
    prepare: async (url, postgres, owner) => {
      await set(url, `timezone = 'America/New_York'`)
      return behind(url, postgres, owner, 'transaction')
    }
  },
  ...['Asia/Yekaterinburg', 'America/New_York'].map((zone) => withSetting(`time zone ${zone}`, `timezone = '${zone}'`)),
  ...['repeatable read', 'serializable'].map((level) =>
    withSetting(`default isolation ${level}`, `default_transaction_isolation = '${level}'`)
  ),
  withSetting('idle_session_timeout = 2s', `idle_session_timeout = '2s'`),
  {
    name: 'a role with its own schema',
    prepare: (url) =>
      asRole(url, 'owner_of_schema', (role) => [
        `create schema app authorization ${role}`,
        `alter role ${role} set search_path = app`
      ])
  },
  {
    name: 'a role without CREATE on the database',
    prepare: (url) => asRole(url, 'no_create', (role) => [`grant create on schema public to ${role}`])
  },
  {
    name: 'read-only for 5 s and back',
    prepare: async (url) => ({ DATABASE_URL: url }),
    strike: async (url) => {
      // As after a failover: connections made while the server was a standby stay read-only after its promotion.
      await set(url, 'default_transaction_read_only = on')
      await query(url, TERMINATE)
      await sleep(READ_ONLY_MS)
      await query(url, `begin read write; alter database ${nameOf(url)} reset default_transaction_read_only; commit`)
    }
  },
  {
    name: 'every connection terminated, three times',
    prepare: async (url) => ({ DATABASE_URL: url }),
    strike: async (url) => {
      for (let i = 0; i < 3; i++) {
        await query(url, TERMINATE)
        await sleep(500)
      }
    }
  }
]

function withSetting(name: string, setting: string): Setup {
  return {
    name,
    prepare: async (url) => {
      await set(url, setting)
      return { DATABASE_URL: url }
    }
  }
}

async function set(url: string, setting: string): Promise<void> {
  await query(url, `alter database ${nameOf(url)} set ${setting}`)
}

async function behind(
  url: string,
  postgres: PostgresServer,
  owner: Owner,
  mode: 'session' | 'transaction',
  ...options: string[]
): Promise<Environment> {
  const pooler = await PgBouncer.start(postgres.port, mode, ...options)
  owner.teardown(() => pooler.stop())
  return { DATABASE_URL: pooler.url(url) }
}

async function asRole(url: string, name: string, statements: (role: string) => string[]): Promise<Environment> {
  const role = `${name}_${nameOf(url)}`
  for (const statement of [`create role ${role} login`, ...statements(role)]) await query(url, statement)
  const own = new URL(url)
  own.username = role
  return { DATABASE_URL: own.href }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}
