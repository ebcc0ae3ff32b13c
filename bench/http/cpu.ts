/**
 * `npm run bench:cpu`: the CPU time per request of the server with all plugins, compared with a bare Fastify route that answers a
 * string of the same 4 KB. The rows are measured in turn; each figure is that of the best round, because other work on the
 * machine can only add to it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { LISTS_AT_ONCE, shoot } from './load.ts'
import { brotli, course, type MakeLoad, me, unchanged, yardstickCourse } from './loads.ts'
import type { Target } from './measure.ts'
import { shootAt } from './measured-load.ts'
import { Stack } from './stack.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' }
  }
})
const rounds = Number(values.rounds)
const SECONDS = Number(values.seconds)
/** So many different requests that none is repeated before its entry has expired. */
const MISSES = 50_000
/** Long enough for V8 to have optimized the code, even on a slow machine. */
const WARM_UP_SECONDS = 8

interface Row {
  readonly name: string
  readonly start: () => Promise<Target>
  readonly load: MakeLoad
  readonly goal?: number
}

const stack = await Stack.start()
let asked = 0
const misses = (url: string) => ({
  url,
  connections: LISTS_AT_ONCE,
  paths: () => Array.from({ length: MISSES / 32 }, () => `/api/v1/courses?limit=1&search=${++asked}`)
})
const normal = () => stack.service({ FRONT_DOOR: 'off' })
const rows: Row[] = [
  {
    name: 'bare Fastify route',
    start: () => stack.yardstick('fixed string'),
    load: yardstickCourse
  },
  {
    name: 'bare route, our HTTP server',
    start: () => stack.yardstick('fixed string', '--server'),
    load: yardstickCourse
  },
  {
    name: '... and the headers of a hit',
    start: () => stack.yardstick('fixed string', '--server', '--headers'),
    load: yardstickCourse
  },
  {
    name: '... and a log line',
    start: () => stack.yardstick('fixed string', '--server', '--headers', '--log'),
    load: yardstickCourse
  },
  { name: 'hit, front door', start: () => stack.service(), load: course, goal: 1.33 },
  { name: 'hit, normal path', start: normal, load: course, goal: 2.2 },
  { name: 'compressed hit, front door', start: () => stack.service(), load: brotli },
  { name: 'compressed hit, normal path', start: normal, load: brotli },
  { name: '304, front door', start: () => stack.service(), load: unchanged },
  { name: '304, normal path', start: normal, load: unchanged },
  { name: 'signed-in /users/me', start: normal, load: me },
  { name: 'miss (list, without the database)', start: normal, load: misses }
]

const chosen = rows.filter(({ name }, i) => i === 0 || values.only === undefined || name.includes(values.only))
const sides = []
for (const row of chosen) {
  const target = await row.start()
  const load = await row.load(target.url)
  await shoot({ ...load, seconds: WARM_UP_SECONDS })
  sides.push({ row, target, load, user: [] as number[], all: [] as number[] })
}
for (let round = 0; round < rounds; round++) {
  for (const { target, load, user, all } of sides) {
    await sleep(200)
    const { cpuMicros, userMicros, errors } = await shootAt(target, { ...load, seconds: SECONDS })
    user.push(errors > 0 ? Number.NaN : userMicros)
    all.push(errors > 0 ? Number.NaN : cpuMicros)
  }
}
const [bare] = sides
const ratio = (own: number, of: number) => (own / of).toFixed(2).padStart(7)
const time = (micros: number) => micros.toFixed(1).padStart(8)
console.log(`${'microseconds of CPU a request'.padEnd(36)}   all    of bare    own code  of bare   goal`)
for (const { row, user, all } of sides) {
  const [own, whole] = [Math.min(...user), Math.min(...all)]
  const goal = row.goal === undefined ? '' : `<= ${row.goal}`
  const ratios = [ratio(whole, Math.min(...(bare?.all ?? []))), ratio(own, Math.min(...(bare?.user ?? [])))] as const
  console.log(`${row.name.padEnd(34)}${time(whole)}    ${ratios[0]}    ${time(own)}  ${ratios[1]}   ${goal}`)
}
await Promise.all(sides.map(({ target }) => target.stop()))
await stack.stop()
process.exit()
