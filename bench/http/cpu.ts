/**
 * `npm run bench:cpu`: how much CPU the server takes for one request, with all plugins, beside a bare Fastify route that answers
 * with a string of the same 4 KB. Unlike requests a second, these figures repeat: what else the machine does changes them little.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { register } from '../../test/support/actors.ts'
import { median } from '../median.ts'
import { type Load, shoot } from './load.ts'
import { cpuSeconds, type Target } from './measure.ts'
import { COURSE, Stack } from './stack.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' }
  }
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
/** So many requests in turns that a page of them is asked for again only after its entry has expired, or never. */
const MISSES = 50_000
/** Long enough for the compiler of V8 to have settled, on a slow machine, too. */
const WARM_UP_SECONDS = 8

interface Row {
  readonly name: string
  readonly start: () => Promise<Target>
  readonly load: (url: string) => Promise<Omit<Load, 'seconds'>> | Omit<Load, 'seconds'>
  readonly goal?: number
}

const stack = await Stack.start()
const course = (url: string) => ({ url: url + COURSE })
const unchanged = async (url: string) => {
  const { headers } = await fetch(url + COURSE)
  return { url: url + COURSE, headers: { 'if-none-match': headers.get('etag') ?? '' } }
}
let asked = 0
const misses = (url: string) => ({
  url,
  paths: () => Array.from({ length: MISSES / 32 }, () => `/api/v1/courses?limit=1&search=${++asked}`)
})
const me = async (url: string) => {
  const { cookie } = await register(url, `bench-${Date.now()}`)
  return { url: `${url}/api/v1/users/me`, headers: { cookie } }
}
const normal = () => stack.service({ FRONT_DOOR: 'off' })
const rows: Row[] = [
  {
    name: 'bare Fastify route',
    start: () => stack.yardstick('fixed string'),
    load: (url) => ({ url: `${url}/course` })
  },
  { name: 'hit, front door', start: () => stack.service(), load: course, goal: 1.33 },
  { name: 'hit, normal path', start: normal, load: course, goal: 2.4 },
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
  sides.push({ row, target, load, micros: [] as number[] })
}
for (let round = 0; round < rounds; round++) {
  for (const { target, load, micros } of sides) {
    await sleep(200)
    const before = await cpuSeconds(target.pid)
    const { perSecond, errors } = await shoot({ ...load, seconds })
    const used = (await cpuSeconds(target.pid)) - before
    micros.push(errors > 0 ? Number.NaN : (used * 1e6) / (perSecond * seconds))
  }
}
const bare = median(sides[0]?.micros ?? [])
console.log(`${'CPU a request'.padEnd(36)}${'us'.padStart(7)}${'times bare'.padStart(13)}   goal`)
for (const { row, micros } of sides) {
  const own = median(micros)
  const goal = row.goal === undefined ? '' : `<= ${row.goal}`
  console.log(`${row.name.padEnd(36)}${own.toFixed(1).padStart(7)}${(own / bare).toFixed(2).padStart(13)}   ${goal}`)
}
await Promise.all(sides.map(({ target }) => target.stop()))
await stack.stop()
process.exit()
