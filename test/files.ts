/**
 * Runs files of tests, each as a process of its own, as a test whose subtests they are: `node test/files.ts FILES --jobs=N`; with
 * `--every=N` every N-th of them, others each day of N. It
 * is what `tap` does, without what `tap` loads into each of them and into every process that they start: a record of the
 * files that are loaded, for coverage and `--changed`. That doubled the time in which a process starts.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'
import t from 'tap'

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
    reporter: { type: 'string' }
  }
})
const today = Math.floor(Date.now() / DAY_MS)
const files = globSync(positionals.length > 0 ? positionals : 'test/**/*.test.ts', { exclude: ['**/node_modules/**'] })
  .sort()
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
for (const file of files) {
  // tap would load that record by NODE_OPTIONS.
  const command = [`NODE_OPTIONS=${process.env.NODE_OPTIONS ?? ''}`, process.execPath, ...OPTIONS, file]
  t.spawn('env', command, { env: { ...process.env, TAP_TIMEOUT: String(TIMEOUT_S) }, timeout: TIMEOUT_S * 1000 }, file)
}
// Not when nothing is left to do: the reporter waits for the end.
t.end()
