/**
 * `npm run bench`: compares this service, with all its plugins, with baselines in one run. Prints a table and writes
 * `results.json` beside this file, or `results-partial.json` for a partial or quick run. A missed goal is not an error.
 */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { table } from '../../test/checks/coherence/report.ts'
import { chart } from './chart.ts'
import { coldRequests } from './cold.ts'
import { invalidation } from './invalidation.ts'
import { latencyUnderWrites } from './latency.ts'
import { memory, startTime } from './lifetime.ts'
import { figure, goalText, isMet, type Outcome, type SideFigures } from './outcome.ts'
import { twoProcesses } from './processes.ts'
import { Stack } from './stack.ts'
import { compare, scenarios } from './throughput.ts'

const USAGE = `usage: npm run bench -- [--quick] [--only "part of a name"] [--chart FILE]
  --quick   in three minutes, without the memory after ten minutes of load and without bench:invalidation`
const MEMORY_SECONDS = 600

interface Task {
  readonly name: string
  readonly measure: () => Promise<Outcome | Outcome[]>
}

const { quick, only, chart: picture } = readArguments()
const pace = quick ? { rounds: 2, seconds: 1, warmUpSeconds: 2 } : { rounds: 5, seconds: 4, warmUpSeconds: 4 }

console.error('starting PostgreSQL and Redis')
const stack = await Stack.start()
const all: Task[] = [
  ...scenarios(stack).map((scenario) => ({ name: scenario.name, measure: () => compare(scenario, pace) })),
  {
    name: 'p99 of hits under 50 writes/s : without writes',
    measure: () => latencyUnderWrites(stack, quick ? 2 : 10, quick ? 1 : 3)
  },
  { name: 'two processes on two cores : one on one', measure: () => twoProcesses(stack, pace.seconds, pace.rounds) },
  { name: '1,000 cold requests over three processes', measure: () => coldRequests(stack) },
  { name: 'start to first answer', measure: () => startTime(stack, quick ? 3 : 7) }
]
if (!quick) {
  all.push({ name: 'invalidation and write', measure: invalidation })
  all.push({ name: 'memory beyond L1', measure: () => memory(stack, MEMORY_SECONDS) })
}
const tasks = all.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))
if (tasks.length === 0) fail(`nothing is called "${only}"; there are:\n  ${all.map(({ name }) => name).join('\n  ')}`)

const outcomes: Outcome[] = []
for (const { name, measure } of tasks) {
  console.error(`${new Date().toLocaleTimeString()} ${name}`)
  outcomes.push(...[await measure()].flat())
}
await stack.stop()

console.log(
  table([
    ['', 'ours', 'baseline', 'value', 'goal', ''],
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
const compared = outcomes.flatMap(({ name, sides }) => (sides === undefined ? [] : [[name, ...both(sides)]]))
if (compared.length > 0) {
  const columns = ['ours / baseline', 'CPU µs', 'a second', 'p50 ms', 'p99 ms', 'p99.9 ms', 'resident MiB']
  console.log(table([columns, ...compared]))
}
for (const { name, remark } of outcomes) if (remark) console.log(`${name}: ${remark}`)
const run = { at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, quick }
const name = quick || only !== '' ? 'results-partial.json' : 'results.json'
await writeFile(
  fileURLToPath(new URL(name, import.meta.url)),
  `${JSON.stringify({ ...run, pace, outcomes }, null, 2)}\n`
)
if (picture !== undefined) await writeFile(picture, chart(outcomes))
process.exit(0)

/** The figures of both sides as `ours / baseline`. */
function both([ours, yardstick]: readonly [SideFigures, SideFigures]): string[] {
  const pair = (read: (side: SideFigures) => number, digits: number) =>
    `${read(ours).toFixed(digits)} / ${read(yardstick).toFixed(digits)}`
  return [
    pair(({ cpuMicros }) => cpuMicros, 1),
    pair(({ perSecond }) => perSecond, 0),
    pair(({ p50 }) => p50, 2),
    pair(({ p99 }) => p99, 2),
    pair(({ p999 }) => p999, 2),
    pair(({ residentMiB }) => residentMiB, 0)
  ]
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        chart: { type: 'string' }
      }
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function fail(problem: string): never {
  console.error(`${problem}\n${USAGE}`)
  process.exit(2)
}
