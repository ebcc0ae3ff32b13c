import { median } from '../median.ts'
import { shoot } from './load.ts'
import { cpuSeconds, LOAD_CORE, moveTo, SERVER_CORE, type Target } from './measure.ts'
import type { Outcome } from './outcome.ts'
import { COURSE, type Stack } from './stack.ts'

const BOTH = `${SERVER_CORE},${LOAD_CORE}`

/**
 * What a second process on a second core adds. The load would need a core of its own, which a machine with two cores
 * does not have. So the remark also states the CPU time per response, which shows what two whole cores would do.
 */
export async function twoProcesses(stack: Stack, seconds: number, rounds: number): Promise<Outcome> {
  const one = await stack.service()
  const two = await stack.service({}, { cores: LOAD_CORE })
  const shots: { alone: Burst; together: Burst }[] = []
  for (let round = -1; round < rounds; round++) {
    await moveTo(LOAD_CORE)
    const alone = await burst([one], seconds)
    await moveTo(BOTH)
    const together = await burst([one, two], seconds)
    if (round >= 0) shots.push({ alone, together })
  }
  await moveTo(LOAD_CORE)
  await Promise.all([one.stop(), two.stop()])
  const of = (side: 'alone' | 'together', what: keyof Burst) => median(shots.map((shot) => shot[side][what]))
  const efficiency = of('alone', 'cpuMicros') / of('together', 'cpuMicros')
  return {
    name: 'two processes on two cores : one on one',
    ours: `${Math.round(of('together', 'perSecond'))}/s`,
    yardstick: `${Math.round(of('alone', 'perSecond'))}/s`,
    value: median(shots.map(({ alone, together }) => together.perSecond / alone.perSecond)),
    unit: '',
    goal: { atLeast: 1.7 },
    remark: `the load shares the two cores: the processes had ${of('together', 'cores').toFixed(2)} cores of CPU together, one alone ${of('alone', 'cores').toFixed(2)}; an answer took ${of('together', 'cpuMicros').toFixed(0)} and ${of('alone', 'cpuMicros').toFixed(0)} µs of CPU, so with whole cores two would do ${(2 * efficiency).toFixed(2)} times as much`
  }
}

interface Burst {
  readonly perSecond: number
  /** The CPU time of the processes: in cores, and in microseconds per response. */
  readonly cores: number
  readonly cpuMicros: number
}

async function burst(targets: readonly Target[], seconds: number): Promise<Burst> {
  const used = () => Promise.all(targets.map(({ pid }) => cpuSeconds(pid)))
  const before = await used()
  const start = performance.now()
  const shots = await Promise.all(targets.map(({ url }) => shoot({ url: url + COURSE, seconds })))
  const elapsed = (performance.now() - start) / 1000
  const cpu = (await used()).reduce((sum, after, i) => sum + after - (before[i] ?? 0), 0)
  const perSecond = shots.reduce((sum, shot) => sum + shot.perSecond, 0)
  return { perSecond, cores: cpu / elapsed, cpuMicros: (cpu / (perSecond * seconds)) * 1e6 }
}
