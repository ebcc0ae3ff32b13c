/** One attack in a process of its own, so that what it takes is not taken from whoever watches. */
import { setPriority } from 'node:os'
import { join } from 'node:path'
import type { Attack, Target } from './attack.ts'

// An attacker's own machine does its work; here it must not take the processor from the service.
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
