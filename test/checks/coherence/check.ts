/**
 * `npm run check:coherence`: several API processes on a real Redis and PostgreSQL, written and read at once. No read may be
 * older than a write that was acknowledged before it was sent, but by the lease. Ends with 0 when that held, 1 when it did not,
 * 2 for words it does not know, 3 when it could not run.
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
