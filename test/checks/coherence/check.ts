/**
 * `npm run check:coherence`: reads and writes at several API processes on a real Redis and PostgreSQL. No read may be
 * older than a write acknowledged before the read was sent, except within the lease. Exits with 0 if that held, 1 if not,
 * 2 for unknown arguments, 3 when it could not run.
 */
import { checkFaults } from './fault-check.ts'
import { isLeaving, leave } from './leave.ts'
import { checkLoad } from './load-check.ts'
import { checkMutations } from './mutations.ts'
import { type Options, readOptions, USAGE, UsageError } from './options.ts'

async function check(options: Options): Promise<boolean> {
  if (options.mode === 'faults') return checkFaults(options)
  return options.mode === 'mutations' ? checkMutations(options) : checkLoad(options)
}

try {
  const held = await check(readOptions(process.argv.slice(2)))
  await leave(held ? 0 : 1)
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${USAGE}`)
  else if (!isLeaving()) console.error(error)
  await leave(error instanceof UsageError ? 2 : 3)
}
