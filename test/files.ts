/**
 * Runs files of tests, each in a process of its own, as subtests of one test: `node test/files.ts FILES --jobs=N`. With `--every=N` it
 * runs every N-th of them, others on each of N days; with `--unit` only those that start nothing. `tap` would load a record of the
 * loaded files, for coverage and `--changed`, into each of them and into every process that they start, which doubled the start.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'
import t from 'tap'
import { isUnitTest } from './unit-files.ts'

const TIMEOUT_S = 180
const DAY_MS = 86_400_000
/** As many as CI has processors. More would be faster, and the tests of deadlines less sure. */
const JOBS = '2'
/** What a process of a test runs of a database in WebAssembly is so little that it is not worth to be compiled for speed. */
const OPTIONS = ['--liftoff-only']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', short: 'j', default: JOBS },
    every: { type: 'string', default: '1' },
    reporter: { type: 'string' },
    unit: { type: 'boolean', default: false }
  }
})
const today = Math.floor(Date.now() / DAY_MS)
const files = globSync(positionals.length > 0 ? positionals : 'test/**/*.test.ts', { exclude: ['**/node_modules/**'] })
  .sort()
  .filter((file) => !values.unit || isUnitTest(file))
  .filter((_, i) => (i + today) % Number(values.every) === 0)
if (files.length === 0) throw new Error(`no such file: ${positionals.join(' ')}`)

// People look at what fails; a log has everything.
const reporter = values.reporter ?? (process.stdout.isTTY ? 'base' : 'tap')
if (reporter !== 'tap') {
  const { stdin } = spawn('tap', [`--reporter=${reporter}`, '-'], { stdio: ['pipe', 'inherit', 'inherit'] })
  t.register()
  t.pipe(stdin)
}

t.jobs = Number(values.jobs)
t.setTimeout(0)
const env = { ...process.env, TAP_TIMEOUT: String(TIMEOUT_S), ...(values.unit && { TEST_STORES: 'memory' }) }
for (const file of files) {
  // tap would load that record by NODE_OPTIONS.
  const command = [`NODE_OPTIONS=${process.env.NODE_OPTIONS ?? ''}`, process.execPath, ...OPTIONS, file]
  t.spawn('env', command, { env, timeout: TIMEOUT_S * 1000 }, file)
}
// Not when nothing is left to do: the reporter waits for the end.
t.end()
