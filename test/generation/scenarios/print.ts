/** `node test/generation/scenarios/print.ts`: prints the calls and the outcome for each kind of model server and answer, with three questions each. */
import { HEAD, kinds, lineOf } from './all.ts'
import { play } from './scenario.ts'

let count = 0
console.log(HEAD)
for (const [kind, scenarios] of Object.entries(kinds)) {
  console.log(`\n${kind}`)
  for (const scenario of scenarios) {
    console.log(lineOf(await play(scenario)))
    count++
  }
}
console.log(`\n${count} scenarios`)
