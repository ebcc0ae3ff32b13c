import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Packages and files whose importers may start a process, a service or a database. */
const STARTS = new Set(['node:child_process', '@electric-sql/pglite', 'src/app.ts'])
const STATIC_IMPORT = /^(?:import|export) (?!type )[^'"]*?['"]([^'"]+)['"]/gm

const known = new Map<string, boolean>()

/** True for a test of `npm run test:unit`: one that starts no service, server, database or other process. */
export function isUnitTest(file: string): boolean {
  return !startsSomething(file)
}

/** What `src/` and packages import is not followed: importing them starts nothing. */
function startsSomething(file: string): boolean {
  const before = known.get(file)
  if (before !== undefined) return before
  known.set(file, false)
  const imports = [...readFileSync(file, 'utf8').matchAll(STATIC_IMPORT)].map(([, from = '']) =>
    from.startsWith('.') ? join(dirname(file), from) : from
  )
  const starts = imports.some((from) => STARTS.has(from) || (from.startsWith('test/') && startsSomething(from)))
  known.set(file, starts)
  return starts
}
