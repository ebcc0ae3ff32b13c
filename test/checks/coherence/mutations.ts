import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { copyRepository } from '../../support/repository-copy.ts'
import { onLeave } from './leave.ts'
import { MUTATIONS, type Mutation } from './mutation-list.ts'
import type { Options } from './options.ts'
import { table } from './report.ts'

const DAY_MS = 86_400_000

/** Applies each mutation to a copy of the repository; returns true if the check detects them all. */
export async function checkMutations({ reads, seconds, instances, only, every }: Options): Promise<boolean> {
  const rows: string[][] = []
  const until = Number.isFinite(seconds) ? ['--seconds', String(seconds)] : []
  const today = Math.floor(Date.now() / DAY_MS)
  const chosen = MUTATIONS.filter(({ name }, i) => name.includes(only) && (i + today) % every === 0)
  for (const mutation of chosen) {
    const { by } = mutation
    const start = performance.now()
    const args = ['--first-broken', '--reads', String(reads), '--instances', String(instances), ...until]
    const caught = await isCaught(mutation, args)
    const took = `${((performance.now() - start) / 1000).toFixed(1)} s`
    const row = [
      mutation.name,
      mutation.file,
      'test' in by ? by.test : `lease ${by.lease}`,
      took,
      caught ? 'caught' : 'NOT CAUGHT'
    ]
    console.error(row.join(', '))
    rows.push(row)
  }
  console.log(table([['mutation', 'in', 'detected by', 'took', 'result'], ...rows]))
  return rows.every((row) => row.at(-1) === 'caught')
}

async function isCaught(mutation: Mutation, args: string[]): Promise<boolean> {
  const { by } = mutation
  const { folder, remove } = await copyRepository([mutation])
  onLeave(remove)
  const command =
    'test' in by ? [by.test] : [join('test', 'checks', 'coherence', 'check.ts'), ...args, '--lease', by.lease]
  const child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  onLeave(() => end(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  await remove()
  // Both exit with 1 for a mistake that they detect; any other code means that they could not run.
  if (code !== 0 && code !== 1) throw new Error(`the check of the copy ended with ${code}:\n${output}`)
  // Errors on a busy machine are not stale reads.
  const caught =
    code === 1 && ('test' in by ? /^ *not ok/m : /stale reads:|still wrong after the writes stopped:/).test(output)
  if (!caught) console.error(output)
  return caught
}

/** The check stops what it has started before it exits. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
