import { register } from '../../test/support/actors.ts'
import { median } from '../median.ts'
import { type Load, type Shot, shoot } from './load.ts'
import type { Target } from './measure.ts'
import type { Outcome } from './outcome.ts'
import { COURSE, COURSE_ID, type Stack } from './stack.ts'
import { ListLoad } from './zipf.ts'

/** How long a scenario is measured. */
export interface Pace {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

interface Side {
  readonly start: () => Promise<Target>
  readonly load: (url: string) => Promise<Omit<Load, 'seconds'>> | Omit<Load, 'seconds'>
  /** What it answers when it does what its name says; 200 unless given. */
  readonly status?: number
}

export interface Scenario {
  readonly name: string
  readonly ours: Side
  readonly yardstick: Side
  readonly atLeast: number
  /** Where it takes longer than elsewhere. */
  readonly warmUpSeconds?: number
  /** Whether the share of hits is worth a remark. */
  readonly tellHits?: boolean
}

/** What is compared by requests a second: this service, with all its plugins, beside a route that has none. */
export function scenarios(stack: Stack): Scenario[] {
  const course = (url: string) => ({ url: url + COURSE })
  const hit: Side = { start: () => stack.service(), load: course }
  const strict: Side = { start: () => stack.service({ CACHE_L1_LEASE_MS: '0' }), load: course }
  // Empty is unset: they are counted where the cache is.
  const limited: Side = { start: () => stack.service({ REDIS_LIMIT_URL: '' }), load: course }
  const peer = (name: string): Side => ({
    start: () => stack.yardstick(name),
    load: (url) => ({ url: `${url}/course` })
  })
  const etag = async (url: string) => {
    const answer = await fetch(url + COURSE)
    return { url: url + COURSE, headers: { 'if-none-match': answer.headers.get('etag') ?? '' } }
  }
  const me = async (url: string) => {
    const { cookie } = await register(url, `bench-${Date.now()}`)
    return { url: `${url}/api/v1/users/me`, headers: { cookie } }
  }
  const list = (env: Record<string, string>): Side => ({
    start: () => stack.service(env),
    load: (url) => new ListLoad(url, () => stack.touch(COURSE_ID)).load
  })
  const get = peer('one Redis GET')
  return [
    { name: 'hit from L1 : fixed string', ours: hit, yardstick: peer('fixed string'), atLeast: 0.75 },
    { name: 'hit at lease 0 : one Redis GET', ours: strict, yardstick: get, atLeast: 0.8 },
    { name: 'hit, limit counted in Redis : one Redis GET', ours: limited, yardstick: get, atLeast: 0.7 },
    { name: '304 : 200, both from L1', ours: { ...hit, load: etag, status: 304 }, yardstick: hit, atLeast: 1.1 },
    { name: 'hit from L1 : bentocache, memory', ours: hit, yardstick: peer('bentocache'), atLeast: 1.8 },
    {
      name: 'hit from L1 : async-cache-dedupe, memory',
      ours: hit,
      yardstick: peer('async-cache-dedupe'),
      atLeast: 1.1
    },
    { name: 'hit from L1 : cache-manager, memory', ours: hit, yardstick: peer('cache-manager'), atLeast: 1 },
    { name: 'hit from L1 : naive cache-aside', ours: hit, yardstick: peer('naive cache-aside'), atLeast: 1 },
    {
      name: 'lists, 90 % hits : no cache',
      ours: list({}),
      yardstick: list(withoutCache),
      atLeast: 5,
      // Each of the 500 has been loaded once by then.
      warmUpSeconds: 10,
      tellHits: true
    },
    { name: 'signed-in /users/me : one Redis GET', ours: { start: hit.start, load: me }, yardstick: get, atLeast: 0.4 }
  ]
}

/** A Redis that is not there, and no lease: the same service asks the database for every answer. */
const withoutCache = { REDIS_URL: 'redis://127.0.0.1:1', CACHE_L1_LEASE_MS: '0' }

/** Both sides in turns: what the machine does meanwhile, it does to both. The ratio is the median of those of the rounds. */
export async function compare(scenario: Scenario, pace: Pace): Promise<Outcome> {
  const { name, ours, yardstick, atLeast, warmUpSeconds = pace.warmUpSeconds, tellHits } = scenario
  const sides = await Promise.all([open(ours), open(yardstick)])
  const shots: [Shot, Shot][] = []
  let before: Reads = { hits: 0, misses: 0 }
  for (let round = -1; round < pace.rounds; round++) {
    const seconds = round < 0 ? warmUpSeconds : pace.seconds
    if (round === 0 && tellHits) before = await reads(sides[0].target)
    const pair: Shot[] = []
    for (const { load } of sides) pair.push(await shoot({ ...load, seconds }))
    const [a, b] = pair
    if (round >= 0 && a && b) shots.push([a, b])
  }
  const after = tellHits ? await reads(sides[0].target) : before
  await Promise.all(sides.map(({ target }) => target.stop()))
  const perSecond = (side: 0 | 1) => `${Math.round(median(shots.map((pair) => pair[side].perSecond)))}/s`
  const errors = shots.flat().reduce((sum, shot) => sum + shot.errors, 0)
  return {
    name,
    ours: perSecond(0),
    yardstick: perSecond(1),
    // Errors are answered fast: their rate says nothing.
    value: errors > 0 ? Number.NaN : median(shots.map(([a, b]) => a.perSecond / b.perSecond)),
    unit: '',
    goal: { atLeast },
    ...(tellHits && { remark: `${hitShare(before, after)} of our reads were hits` }),
    ...(errors > 0 && { remark: `${errors} answers were errors` })
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

/** What the cache says of the reads of lists. */
async function reads({ url }: Target): Promise<Reads> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const sum = (name: string) => {
    const values = metrics.matchAll(new RegExp(`^aikademiya_cache_${name}_total{[^}]*prefix="api"[^}]*} (\\d+)`, 'gm'))
    return [...values].reduce((total, [, value]) => total + Number(value), 0)
  }
  return { hits: sum('hits'), misses: sum('misses') }
}

function hitShare(before: Reads, after: Reads): string {
  const [hits, misses] = [after.hits - before.hits, after.misses - before.misses]
  return `${((100 * hits) / (hits + misses)).toFixed(1)} %`
}
