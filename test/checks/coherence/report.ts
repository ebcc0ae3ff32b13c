import type { Stale } from './ledger.ts'
import type { Tally } from './load.ts'

const EXAMPLES = 8

/** Rows under headings, columns aligned. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)))
  const line = (row: readonly (string | number)[]) =>
    row.map((cell, column) =>
      typeof cell === 'number' ? pad(cell, widths, column) : String(cell).padEnd(widths[column] ?? 0)
    )
  return rows.map((row) => line(row).join('  ').trimEnd()).join('\n')
}

function pad(cell: number, widths: readonly number[], column: number): string {
  return String(cell).padStart(widths[column] ?? 0)
}

export function worstLateMs(stale: readonly Stale[]): number {
  return Math.ceil(stale.reduce((worst, { lateMs }) => Math.max(worst, lateMs), 0))
}

/** The share of each outcome of the cache, as `HIT 91.2% MISS 8.8%`. */
export function outcomeShares({ outcomes, answered }: Tally): string {
  return [...outcomes]
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${outcome || 'none'} ${((100 * count) / Math.max(1, answered)).toFixed(1)}%`)
    .join(' ')
}

/** Describes some of the reads that break a rule. */
export function explainStale(stale: readonly Stale[]): string {
  const some = stale.slice(0, EXAMPLES).map(({ path, instance, outcome, subject, seen, acked, lateMs }) => {
    const writer = acked.by === -1 ? 'from outside' : `by instance ${acked.by}`
    const shown = seen === 'absent' ? 'absent' : `v${seen}`
    const expected = acked.absent ? 'its removal' : `v${acked.version}`
    return `  ${path} on instance ${instance} (${outcome || 'no X-Cache'}): ${subject} was ${shown}, although ${expected} (written ${writer}) had been acknowledged; ${lateMs.toFixed(1)} ms late`
  })
  return [...some, ...more(stale.length)].join('\n')
}

/** The first few of many lines. */
export function explain(words: readonly string[]): string {
  return [...words.slice(0, EXAMPLES).map((one) => `  ${one}`), ...more(words.length)].join('\n')
}

function more(count: number): string[] {
  return count > EXAMPLES ? [`  and ${count - EXAMPLES} more`] : []
}
