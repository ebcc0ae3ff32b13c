import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const TOOLS = ['initdb', 'postgres', 'psql', 'pg_dump', 'pg_restore']
/** Where Debian keeps the tools that are not on the PATH, in one folder per version. */
const DEBIAN = '/usr/lib/postgresql'

/** The folder with the system's PostgreSQL, server and tools of one version; undefined if there is none. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter)
  ]
  return folders.find((folder) => TOOLS.every((tool) => existsSync(join(folder, tool))))
}
