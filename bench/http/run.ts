/**
 * `npm run bench`: requests a second of this service beside its yardsticks, in turns, in one run. `--quick` for two minutes,
 * `--only "part of a name"` for some. Prints a table and writes `bench/http/results.json`.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { table } from '../../test/coherence/report.ts'
import { register } from '../../test/support/actors.ts'
import { PostgresServer } from '../../test/support/postgres.ts'
import { RedisServer } from '../../test/support/redis.ts'
import { leaveServerCore, median, type Shot, serve, shoot, type Target } from './measure.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' } }
})
const [ROUNDS, SECONDS, WARM_UP_S] = values.quick ? [3, 2, 1] : [5, 5, 3]
const NO_LIMIT = '1000000000'

const [postgres, redis] = [await PostgresServer.start(), await RedisServer.start()]
const DATABASE_URL = await postgres.createDatabase()
const common = { DATABASE_URL, REDIS_URL: redis.url }
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const peer = (name: string) => serve(path('server.ts'), [name], common)
const service = (env: Record<string, string> = {}) =>
  serve(path('../../src/server.ts'), [], {
    ...common,
    SEED: 'demo',
    SESSION_SECRET: 'the secret of the bench is long enough',
    RATE_LIMIT_ANONYMOUS: NO_LIMIT,
    RATE_LIMIT_USER: NO_LIMIT,
    REDIS_LIMIT_URL: 'none',
    ...env
  })

interface Side {
  readonly start: () => Promise<Target>
  readonly path: string
  readonly headers?: (url: string) => Promise<Record<string, string>>
  readonly paths?: readonly string[]
}

interface Scenario {
  readonly name: string
  readonly ours: Side
  readonly yardstick: Side
  readonly goal: number
}

const COURSE = '/api/v1/courses/1'
const hit: Side = { start: service, path: COURSE }
const strict = () => service({ CACHE_L1_LEASE_MS: '0' })
const other = (name: string): Side => ({ start: () => peer(name), path: '/course' })
const etagOf = async (url: string) => ({ 'if-none-match': (await fetch(url + COURSE)).headers.get('etag') ?? '' })
const cookieOf = async (url: string) => ({
  cookie: (await register(url, `bench-${Math.random()}`.replace('0.', ''))).cookie
})

const scenarios: readonly Scenario[] = [
  { name: 'hit from L1 : fixed string', ours: hit, yardstick: other('fixed string'), goal: 0.75 },
  {
    name: 'hit at lease 0 : one Redis GET',
    ours: { start: strict, path: COURSE },
    yardstick: other('one Redis GET'),
    goal: 0.8
  },
  { name: '304 : 200 from L1', ours: { ...hit, headers: etagOf }, yardstick: hit, goal: 1.1 },
  { name: 'hit from L1 : bentocache, memory', ours: hit, yardstick: other('bentocache'), goal: 1.8 },
  { name: 'hit from L1 : async-cache-dedupe, memory', ours: hit, yardstick: other('async-cache-dedupe'), goal: 1.1 },
  { name: 'hit from L1 : cache-manager, memory', ours: hit, yardstick: other('cache-manager'), goal: 1 },
  { name: 'hit from L1 : naive cache-aside', ours: hit, yardstick: other('naive cache-aside'), goal: 1 },
  {
    name: 'signed-in /users/me : one Redis GET',
    ours: { start: service, path: '/api/v1/users/me', headers: cookieOf },
    yardstick: other('one Redis GET'),
    goal: 0.4
  }
]

const results: { name: string; ours: Shot; yardstick: Shot; ratio: number; goal: number }[] = []
for (const scenario of scenarios.filter(({ name }) => name.includes(values.only))) {
  console.error(scenario.name)
  results.push(await compare(scenario))
}
await Promise.all([postgres.stop(), redis.stop()])

const number = (value: number) => Math.round(value)
console.log(
  table([
    ['scenario', 'ours/s', 'yardstick/s', 'ratio', 'goal', 'p99 ms', 'errors'],
    ...results.map(({ name, ours, yardstick, ratio, goal }) => [
      name,
      number(ours.perSecond),
      number(yardstick.perSecond),
      ratio.toFixed(2),
      goal.toFixed(2),
      ours.p99Ms,
      ours.errors + yardstick.errors
    ])
  ])
)
await writeFile(
  path('results.json'),
  `${JSON.stringify({ at: new Date().toISOString(), node: process.version, results }, null, 2)}\n`
)
process.exit(0)

/** Rounds in turns: what the machine does meanwhile, it does to both. */
async function compare({ name, ours, yardstick, goal }: Scenario) {
  const sides = await Promise.all(
    [ours, yardstick].map(async (side) => {
      const target = await side.start()
      return { side, target, headers: (await side.headers?.(target.url)) ?? {}, shots: [] as Shot[] }
    })
  )
  await leaveServerCore()
  for (let round = -1; round < ROUNDS; round++) {
    for (const { side, target, headers, shots } of sides) {
      const seconds = round < 0 ? WARM_UP_S : SECONDS
      const shot = await shoot({ url: target.url + side.path, seconds, headers })
      if (round >= 0) shots.push(shot)
    }
  }
  await Promise.all(sides.map(({ target }) => target.stop()))
  const of = (index: number): Shot => {
    const shots = sides[index]?.shots ?? []
    return {
      perSecond: median(shots.map(({ perSecond }) => perSecond)),
      p99Ms: median(shots.map(({ p99Ms }) => p99Ms)),
      errors: shots.reduce((sum, { errors }) => sum + errors, 0)
    }
  }
  const [a, b] = [of(0), of(1)]
  const ratios = (sides[0]?.shots ?? []).map(
    (shot, i) => shot.perSecond / (sides[1]?.shots[i]?.perSecond ?? Number.NaN)
  )
  return { name, ours: a, yardstick: b, ratio: median(ratios), goal }
}
