import { chapters } from './chapters.ts'
import { failures } from './failures.ts'
import type { Result, Scenario } from './scenario.ts'
import { servers } from './servers.ts'
import { texts } from './texts.ts'

export const kinds: Readonly<Record<string, readonly Scenario[]>> = {
  'Features of the server': servers,
  'Form of the answer': texts,
  'Missing, incomplete or refused answers': failures,
  'Quality of chapters': chapters
}

/** One line of the table. */
export function lineOf({ scenario, calls, most, outcome }: Result): string {
  return `${scenario.name.padEnd(82)} ${String(calls).padStart(5)} ${String(most).padStart(12)}  ${outcome}`
}

export const HEAD = `${''.padEnd(82)} calls per question  outcome`
