import { type Load, type Shot, shoot } from './load.ts'
import { cpuTimes, type Target } from './measure.ts'

/** A load with the CPU time of the server per response, in microseconds: in total, and in user mode. */
export interface MeasuredShot extends Shot {
  readonly cpuMicros: number
  readonly userMicros: number
}

export async function shootAt({ pid }: Target, load: Load): Promise<MeasuredShot> {
  const before = await cpuTimes(pid)
  const shot = await shoot(load)
  const after = await cpuTimes(pid)
  const micros = (seconds: number) => (seconds * 1e6) / (shot.perSecond * load.seconds)
  return {
    ...shot,
    cpuMicros: micros(after.user + after.system - before.user - before.system),
    userMicros: micros(after.user - before.user)
  }
}
