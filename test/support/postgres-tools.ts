import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const TOOLS = ['initdb', 'postgres', 'psql', 'pg_dump', 'pg_restore']
/** Where Debian keeps what is not on the PATH: a folder a version. */
const DEBIAN = '/usr/lib/postgresql'

/** The folder with a PostgreSQL of the system, server and tools of one version; undefined where there is none. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter)
  ]
  return folders.find((folder) => TOOLS.every((tool) => existsSync(join(folder, tool))))
}
