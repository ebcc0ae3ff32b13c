/** `node test/generation/scenarios/print.ts`: what each kind of model server and answer costs, and what comes of it. Three questions each. */
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
