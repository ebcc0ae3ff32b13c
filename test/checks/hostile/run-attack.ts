/** Runs one attack in a separate process, so that it does not slow the observers down. */
import { setPriority } from 'node:os'
import { join } from 'node:path'
import type { Attack, Target } from './attack.ts'

// A real attacker uses another machine, so here the attack must not take CPU from the service.
setPriority(19)
const [file = '', target = ''] = process.argv.slice(2)
const { attack }: { attack: Attack } = await import(join(import.meta.dirname, 'attacks', file))
const under: Target = JSON.parse(target)
try {
  console.log(await attack.run(under))
  process.exit(0)
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
