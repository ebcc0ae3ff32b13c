/**
 * `npm run bench`: this service, with all its plugins, beside its yardsticks, in one run. `--quick` in two minutes, `--only
 * "part of a name"` for some, `--chart FILE` writes the picture of docs/performance.md. Prints a table and writes `results.json`
 * beside this file.
 */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { table } from '../../test/coherence/report.ts'
import { chart } from './chart.ts'
import { invalidation } from './invalidation.ts'
import { latencyUnderWrites } from './latency.ts'
import { memory, startTime } from './lifetime.ts'
import { figure, goalText, isMet, type Outcome } from './outcome.ts'
import { twoProcesses } from './processes.ts'
import { Stack } from './stack.ts'
import { compare, scenarios } from './throughput.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    chart: { type: 'string' }
  }
})
const quick = values.quick
const pace = quick ? { rounds: 2, seconds: 1, warmUpSeconds: 2 } : { rounds: 5, seconds: 4, warmUpSeconds: 4 }
const MEMORY_SECONDS = 600

const stack = await Stack.start()
const tasks: [name: string, measure: () => Promise<Outcome | Outcome[]>][] = [
  ...scenarios(stack).map((scenario): [string, () => Promise<Outcome>] => [
    scenario.name,
    () => compare(scenario, pace)
  ]),
  ['p99 of hits under writes', () => latencyUnderWrites(stack, quick ? 2 : 10, quick ? 1 : 3)],
  ['two processes', () => twoProcesses(stack, pace.seconds, pace.rounds)],
  ['start', () => startTime(stack, quick ? 3 : 7)]
]
// They take minutes.
if (!quick) tasks.push(['invalidation and write', invalidation], ['memory', () => memory(stack, MEMORY_SECONDS)])

const outcomes: Outcome[] = []
for (const [name, measure] of tasks.filter(([name]) => name.includes(values.only))) {
  console.error(`${new Date().toLocaleTimeString()} ${name}`)
  outcomes.push(...[await measure()].flat())
}
await stack.stop()

console.log(
  table([
    ['', 'ours', 'yardstick', 'value', 'goal', ''],
    ...outcomes.map((outcome) => [
      outcome.name,
      outcome.ours,
      outcome.yardstick,
      figure(outcome.value) + outcome.unit,
      goalText(outcome),
      isMet(outcome) ? 'met' : 'not met'
    ])
  ])
)
for (const { name, remark } of outcomes) if (remark) console.log(`${name}: ${remark}`)
const machine = { at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
const file = fileURLToPath(new URL('results.json', import.meta.url))
await writeFile(file, `${JSON.stringify({ ...machine, quick, outcomes }, null, 2)}\n`)
if (values.chart !== undefined) await writeFile(values.chart, chart(outcomes))
process.exit(0)
