import type { Percentiles } from './load.ts'

/** What one side of a comparison took and gave. */
export interface SideFigures extends Percentiles {
  /** CPU of its process for one request, in microseconds. */
  readonly cpuMicros: number
  readonly perSecond: number
  /** What its process had resident in the end. */
  readonly residentMiB: number
}

/** What a measurement found, beside what it should. */
export interface Outcome {
  readonly name: string
  /** What was measured on either side, in words. */
  readonly ours: string
  readonly yardstick: string
  readonly value: number
  readonly unit: '' | ' s' | ' MiB'
  readonly goal: { readonly atLeast: number } | { readonly atMost: number }
  /** Where two servers were compared: ours, and the yardstick. */
  readonly sides?: readonly [SideFigures, SideFigures]
  /** What a reader should know of how it came about. */
  readonly remark?: string
}

/** An invalid measurement, which has no value, meets nothing. */
export function isMet({ value, goal }: Outcome): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
}

export function goalText({ goal, unit }: Outcome): string {
  return 'atLeast' in goal ? `>= ${goal.atLeast}${unit}` : `<= ${goal.atMost}${unit}`
}

/** Figures of the size that they have: 0.71, 12.3, 350. */
export function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
