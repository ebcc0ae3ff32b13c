import { median } from '../median.ts'
import { brotli, course, type MakeLoad, me, unchanged, yardstickCourse } from './loads.ts'
import { residentMiB, type Target } from './measure.ts'
import { type MeasuredShot, shootAt } from './measured-load.ts'
import { cacheCount } from './metrics.ts'
import type { Outcome, SideFigures } from './outcome.ts'
import { COURSE_ID, type Stack } from './stack.ts'
import { ListLoad } from './zipf.ts'

/** How long a scenario is measured. */
export interface Pace {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

interface Side {
  readonly start: () => Promise<Target>
  readonly load: MakeLoad
  /** The expected status. Default: 200. */
  readonly status?: number
}

export interface Scenario {
  readonly name: string
  readonly ours: Side
  readonly yardstick: Side
  readonly atLeast: number
  /** If it needs longer than the others. */
  readonly warmUpSeconds?: number
  /** Compared by requests per second, because most of the work is done by the database; the remark states the share of hits. */
  readonly isOfLists?: boolean
}

/** This service, with all its plugins, compared with a route without any, or with itself. */
export function scenarios(stack: Stack): Scenario[] {
  const service = (env: Record<string, string> = {}): Side => ({ start: () => stack.service(env), load: course })
  const hit = service()
  const normal = service({ FRONT_DOOR: 'off' })
  const peer = (name: string): Side => ({ start: () => stack.yardstick(name), load: yardstickCourse })
  const list = (env: Record<string, string>): Side => ({
    start: () => stack.service(env),
    load: (url) => new ListLoad(url, () => stack.touch(COURSE_ID)).load
  })
  const bare = peer('fixed string')
  const get = peer('one Redis GET')
  const bentocache = peer('bentocache')
  return [
    { name: 'front door hit : bare route', ours: hit, yardstick: bare, atLeast: 0.75 },
    { name: 'normal path hit : bare route', ours: normal, yardstick: bare, atLeast: 0.45 },
    { name: 'normal path hit : bentocache, memory', ours: normal, yardstick: bentocache, atLeast: 1 },
    {
      name: 'hit at lease 0 : one Redis GET',
      ours: service({ CACHE_L1_LEASE_MS: '0' }),
      yardstick: get,
      atLeast: 0.85
    },
    // An empty value counts as unset: limits are then counted in the Redis of the cache.
    {
      name: 'hit, limit counted in Redis : one Redis GET',
      ours: service({ REDIS_LIMIT_URL: '' }),
      yardstick: get,
      atLeast: 0.85
    },
    {
      name: 'front door hit : async-cache-dedupe, memory',
      ours: hit,
      yardstick: peer('async-cache-dedupe'),
      atLeast: 1.2
    },
    { name: 'front door hit : bentocache, memory', ours: hit, yardstick: bentocache, atLeast: 1 },
    { name: 'front door hit : cache-manager, memory', ours: hit, yardstick: peer('cache-manager'), atLeast: 1 },
    { name: 'front door hit : @fastify/caching, memory', ours: hit, yardstick: peer('@fastify/caching'), atLeast: 1 },
    { name: 'front door hit : naive cache-aside', ours: hit, yardstick: peer('naive cache-aside'), atLeast: 1 },
    { name: 'compressed hit : uncompressed hit', ours: { ...hit, load: brotli }, yardstick: hit, atLeast: 0.95 },
    {
      name: '304 : 200, both front door',
      ours: { ...hit, load: unchanged, status: 304 },
      yardstick: hit,
      atLeast: 1.1
    },
    { name: 'signed-in /users/me : one Redis GET', ours: { ...hit, load: me }, yardstick: get, atLeast: 0.45 },
    {
      name: 'lists, 90 % hits : no cache',
      ours: list({}),
      yardstick: list(withoutCache),
      atLeast: 5,
      // Each of the 500 has been loaded once by then.
      warmUpSeconds: 10,
      isOfLists: true
    }
  ]
}

/** An unreachable Redis and no lease: the service queries the database for every response. */
const withoutCache = { REDIS_URL: 'redis://127.0.0.1:1', CACHE_L1_LEASE_MS: '0' }

/** Measures both sides alternately, so that other work on the machine affects both. The value is the median ratio of the rounds. */
export async function compare(scenario: Scenario, pace: Pace): Promise<Outcome> {
  const { name, ours, yardstick, atLeast, warmUpSeconds = pace.warmUpSeconds, isOfLists } = scenario
  const sides = [await open(ours), await open(yardstick)] as const
  const rounds: [MeasuredShot, MeasuredShot][] = []
  let before: Reads = { hits: 0, misses: 0 }
  for (let round = -1; round < pace.rounds; round++) {
    const seconds = round < 0 ? warmUpSeconds : pace.seconds
    if (round === 0 && isOfLists) before = await reads(sides[0].target)
    const pair: [MeasuredShot, MeasuredShot] = [
      await shootAt(sides[0].target, { ...sides[0].load, seconds }),
      await shootAt(sides[1].target, { ...sides[1].load, seconds })
    ]
    if (round >= 0) rounds.push(pair)
  }
  const after = isOfLists ? await reads(sides[0].target) : before
  const figures = [await figuresOf(rounds, 0, sides[0].target), await figuresOf(rounds, 1, sides[1].target)] as const
  await Promise.all(sides.map(({ target }) => target.stop()))
  const errors = rounds.flat().reduce((sum, shot) => sum + shot.errors, 0)
  const ratios = rounds.map(([a, b]) => (isOfLists ? a.perSecond / b.perSecond : b.cpuMicros / a.cpuMicros))
  const inWords = ({ perSecond, cpuMicros }: SideFigures) =>
    isOfLists ? `${Math.round(perSecond)}/s` : `${cpuMicros.toFixed(1)} µs`
  return {
    name,
    ours: inWords(figures[0]),
    yardstick: inWords(figures[1]),
    // Error responses are cheap, so their cost says nothing.
    value: errors > 0 ? Number.NaN : median(ratios),
    unit: '',
    goal: { atLeast },
    sides: figures,
    ...(isOfLists && { remark: `${hitShare(before, after)} of our reads were hits` }),
    ...(errors > 0 && { remark: `${errors} answers were errors` })
  }
}

/** The medians of the rounds of one side. */
async function figuresOf(
  rounds: readonly [MeasuredShot, MeasuredShot][],
  side: 0 | 1,
  { pid }: Target
): Promise<SideFigures> {
  const of = (read: (round: MeasuredShot) => number) => median(rounds.map((pair) => read(pair[side])))
  return {
    cpuMicros: of(({ cpuMicros }) => cpuMicros),
    perSecond: of(({ perSecond }) => perSecond),
    p50: of(({ latency }) => latency.p50),
    p99: of(({ latency }) => latency.p99),
    p999: of(({ latency }) => latency.p999),
    residentMiB: await residentMiB(pid)
  }
}

async function open({ start, load, status = 200 }: Side) {
  const target = await start()
  const ready = await load(target.url)
  const answer = await fetch(ready.url, { headers: ready.headers ?? {} })
  if (answer.status !== status && ready.paths === undefined) throw new Error(`${ready.url} answers ${answer.status}`)
  return { target, load: ready }
}

interface Reads {
  readonly hits: number
  readonly misses: number
}

/** The cache counters of list reads. */
async function reads(target: Target): Promise<Reads> {
  return { hits: await cacheCount(target, 'hits', 'api'), misses: await cacheCount(target, 'misses', 'api') }
}

function hitShare(before: Reads, after: Reads): string {
  const [hits, misses] = [after.hits - before.hits, after.misses - before.misses]
  return `${((100 * hits) / (hits + misses)).toFixed(1)} %`
}
