/**
 * Runs test files, each in a separate process, as subtests of one test: `node test/files.ts FILES --jobs=N`. With
 * `--every=N`, it runs every Nth of them, starting with another one each day; with `--unit`, only those that start
 * nothing. The command `tap` would make each of them, and every process that they start, record its loaded files for
 * coverage and `--changed`, which doubles the time of a start.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'
import t from 'tap'
import { isUnitTest } from './unit-files.ts'

const TIMEOUT_S = 180
const DAY_MS = 86_400_000
/** The number of processors in CI. More jobs would be faster, but make tests of timeouts less reliable. */
const JOBS = '2'
/** A test runs so little of the WebAssembly database that optimizing it would take longer than it saves. */
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

// In a terminal only failures are shown; a log contains everything.
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
  // Restores NODE_OPTIONS, by which tap would load the recorder.
  const command = [`NODE_OPTIONS=${process.env.NODE_OPTIONS ?? ''}`, process.execPath, ...OPTIONS, file]
  t.spawn('env', command, { env, timeout: TIMEOUT_S * 1000 }, file)
}
// Called explicitly, because the reporter waits for the end.
t.end()
