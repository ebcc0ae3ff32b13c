import type { KeyMemory } from './shapes.ts'

/** The first keys are all measured; after those, one of every `ONE_OF`. */
const MEASURED_FIRST = 2000
const ONE_OF = 25
const LARGEST = 20
/** Our keys are shorter: longer ones, put there by hand, are measured but not listed. */
const MAX_NAMED_LENGTH = 200

/** Estimates the memory of cached data from a sample of its keys. */
export class MemorySample {
  readonly #byPrefix = new Map<string, { measured: number; bytes: number }>()
  #largest: { key: string; bytes: number }[] = []
  #measured = 0

  /** The keys of this batch that are to be measured. */
  choose(keys: readonly string[]): string[] {
    return keys.filter((_, i) => this.#measured + i < MEASURED_FIRST || i % ONE_OF === 0)
  }

  /** `bytes` is not a number if the key no longer exists. */
  add(key: string, bytes: number | null | undefined): void {
    if (typeof bytes !== 'number') return
    const prefix = key.slice(0, key.indexOf(':'))
    const sum = this.#byPrefix.get(prefix) ?? { measured: 0, bytes: 0 }
    this.#byPrefix.set(prefix, { measured: sum.measured + 1, bytes: sum.bytes + bytes })
    this.#measured++
    if (key.length > MAX_NAMED_LENGTH) return
    if (this.#largest.length < LARGEST || bytes > (this.#largest.at(-1)?.bytes ?? 0)) {
      this.#largest = [...this.#largest, { key, bytes }].sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST)
    }
  }

  /** Extrapolates the total size of each prefix from its measured keys. */
  result(counts: Readonly<Record<string, number>>): KeyMemory {
    const prefixes = Object.entries(counts).map(([prefix, keys]) => {
      const { measured, bytes } = this.#byPrefix.get(prefix) ?? { measured: 0, bytes: 0 }
      return { prefix, keys, bytes: measured > 0 ? Math.round((bytes / measured) * keys) : keys === 0 ? 0 : null }
    })
    return { sampled: this.#measured, prefixes, largest: this.#largest }
  }
}
