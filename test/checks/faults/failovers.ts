import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Actor, signIn } from '../../support/actors.ts'
import { until } from '../../support/eventually.ts'
import { Sentinels } from '../../support/sentinels.ts'
import type { Owned } from './owned.ts'
import { Stage, usesRedis } from './stage.ts'

const PROCESSES = 2
const SETTINGS = { replicas: 1, downAfterMs: 1000, failoverTimeoutMs: 5000 }
const CHANNEL = 'aikademiya:invalidations'
const LIMIT_SECONDS = 6
/** A process that has not recovered after this time is restarted, so that the next failover counts. */
const NEVER_MS = 30_000
/** Sentinels whose votes are split try again after twice their `failover-timeout`. */
const PROMOTION_MS = 60_000
const SETTLED_MS = 60_000
const POLL_MS = 20
/** How long reads may be stale after a failover, in ms. */
const WINDOW_MS = 1000
const AFTER_MS = 1000

export const FAILOVERS_HEADINGS = [
  'failovers in a row',
  'recoveries',
  'slowest s',
  'median s',
  'p95 s',
  'slowest subscription s',
  'public reads',
  'failed',
  'stale later'
]

/**
 * Repeated `kill -9` of the primary: one primary, one replica, three sentinels, two processes under load. Measures for
 * each process the time from the promotion until it uses Redis again for the cache and sessions. Returns a row under
 * `FAILOVERS_HEADINGS`, and the broken rules.
 */
export async function failoversInARow(
  owned: Owned,
  failovers: number
): Promise<{ row: (string | number)[]; wrong: string[] }> {
  const sentinels = await Sentinels.start(owned, SETTINGS)
  const stage = await Stage.start(owned, { url: sentinels.url, masters: 1 }, PROCESSES)
  const { load } = stage
  load.start()
  // Stopped before the processes, so that the load does not query processes that no longer run.
  owned.teardown(() => load.stop())
  await until(() => load.tally.writes > 0, SETTLED_MS)
  const student = await signIn(stage.url, 'student@example.org', 'password of student')
  const back: number[] = []
  const subscribed: number[] = []
  let never = 0
  let staleLater = 0
  const total = { reads: 0, failed: 0 }
  const tally = () => {
    const { publicReads, publicErrors, stale } = load.reset()
    total.reads += publicReads
    total.failed += publicErrors
    return stale
  }

  for (let n = 1; n <= failovers; n++) {
    const old = await sentinels.master()
    await old.kill()
    await until(async () => (await sentinels.masterPorts()).some((port) => port !== old.port), PROMOTION_MS)
    const promoted = performance.now()
    const seconds = () => (performance.now() - promoted) / 1000
    const times = await Promise.all(
      stage.urls.map(async (url) => {
        while (!(await usesRedis(url, student.cookie))) {
          if (seconds() * 1000 > NEVER_MS) return Number.POSITIVE_INFINITY
          await sleep(POLL_MS)
        }
        return seconds()
      })
    )
    // Subscriptions use a separate connection, which X-Cache does not reflect.
    subscribed.push(
      await listening(await newMaster(sentinels, old.port), times.includes(Infinity) ? 0 : NEVER_MS, seconds)
    )
    await sleep(WINDOW_MS)
    tally()
    back.push(...times.filter(Number.isFinite))
    never += times.filter((time) => !Number.isFinite(time)).length
    console.error(
      `Sentinel: failover ${n} of ${failovers}: recovered after ${times.map((s) => s.toFixed(2)).join(' and ')} s`
    )
    await sleep(AFTER_MS)
    staleLater += tally()
    if (times.includes(Number.POSITIVE_INFINITY)) await stage.restartAll()
    await until(async () => (await sentinels.masterPorts()).length === 1, SETTLED_MS)
    await sentinels.rejoin(old)
    await sentinels.settled(SETTLED_MS)
  }
  const session = await new Actor(stage.url, student.cookie).get('/api/v1/auth/session')
  await session.arrayBuffer()
  await load.stop()

  const slowest = Math.max(0, ...back)
  const slowestSubscription = Math.max(0, ...subscribed)
  const lost = await stage.lost()
  const wrong = [
    never > 0 && `${never} times a process did not recover within ${NEVER_MS / 1000} s of a promotion`,
    slowest > LIMIT_SECONDS && `a process took more than ${LIMIT_SECONDS} s to recover from a promotion`,
    slowestSubscription > LIMIT_SECONDS &&
      `a subscription took more than ${LIMIT_SECONDS} s to recover from a promotion`,
    total.failed > 0 && 'public reads failed',
    staleLater > 0 && 'stale reads after a failover',
    lost.length > 0 && 'acknowledged writes lost',
    session.status !== 200 && never === 0 && 'signed out'
  ].filter((problem) => problem !== false)
  const row = [
    failovers,
    `${back.length} of ${failovers * PROCESSES}`,
    slowest.toFixed(2),
    quantile(back, 0.5).toFixed(2),
    quantile(back, 0.95).toFixed(2),
    slowestSubscription.toFixed(2),
    total.reads,
    total.failed,
    staleLater
  ]
  return { row, wrong }
}

async function newMaster(sentinels: Sentinels, old: number): Promise<number> {
  const ports = await sentinels.masterPorts()
  return ports.find((port) => port !== old) ?? old
}

/** Seconds until every process subscribes to invalidations at this server; Infinity if that takes too long. */
async function listening(port: number, withinMs: number, seconds: () => number): Promise<number> {
  const redis = new Redis(port, '127.0.0.1')
  redis.on('error', () => {})
  try {
    await until(async () => (await redis.pubsub('NUMSUB', CHANNEL))[1] === PROCESSES, withinMs)
    return seconds()
  } catch {
    return Number.POSITIVE_INFINITY
  } finally {
    redis.disconnect()
  }
}

/** The quantile of the values at this share. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
