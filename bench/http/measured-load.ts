import { type Load, type Shot, shoot } from './load.ts'
import { cpuTimes, type Target } from './measure.ts'

/** A load, and what an answer cost the process of the server, in microseconds of CPU: altogether, and in its own code. */
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
