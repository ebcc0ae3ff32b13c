import type { Percentiles } from './load.ts'

/** The figures of one side of a comparison. */
export interface SideFigures extends Percentiles {
  /** CPU time per request, in microseconds. */
  readonly cpuMicros: number
  readonly perSecond: number
  /** Resident memory at the end. */
  readonly residentMiB: number
}

/** A measured value with its goal. */
export interface Outcome {
  readonly name: string
  /** The measured figures of both sides, as text. */
  readonly ours: string
  readonly yardstick: string
  readonly value: number
  readonly unit: '' | ' s' | ' MiB'
  readonly goal: { readonly atLeast: number } | { readonly atMost: number }
  /** If two servers were compared: ours, then the yardstick. */
  readonly sides?: readonly [SideFigures, SideFigures]
  /** A note for the reader. */
  readonly remark?: string
}

/** An invalid measurement, whose value is NaN, meets no goal. */
export function isMet({ value, goal }: Outcome): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
}

export function goalText({ goal, unit }: Outcome): string {
  return 'atLeast' in goal ? `>= ${goal.atLeast}${unit}` : `<= ${goal.atMost}${unit}`
}

/** Formats a value with as many decimals as its size needs: 0.71, 12.3, 350. */
export function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
