import type { KeyMemory } from './shapes.ts'

/** So many keys are weighed, all of them where there are fewer; from then on one of so many. */
const WEIGHED_FIRST = 2000
const ONE_OF = 25
const LARGEST = 20
/** Keys of ours are shorter: others, put there by hand, are weighed and not named. */
const MAX_NAMED_LENGTH = 200

/** What cached data takes, by weighing some of its keys while all are counted. */
export class MemorySample {
  readonly #byPrefix = new Map<string, { weighed: number; bytes: number }>()
  #largest: { key: string; bytes: number }[] = []
  #weighed = 0

  /** Which of these keys are to be weighed. */
  choose(keys: readonly string[]): string[] {
    return keys.filter((_, i) => this.#weighed + i < WEIGHED_FIRST || i % ONE_OF === 0)
  }

  /** One that has gone meanwhile has no weight. */
  add(key: string, bytes: number | null | undefined): void {
    if (typeof bytes !== 'number') return
    const prefix = key.slice(0, key.indexOf(':'))
    const sum = this.#byPrefix.get(prefix) ?? { weighed: 0, bytes: 0 }
    this.#byPrefix.set(prefix, { weighed: sum.weighed + 1, bytes: sum.bytes + bytes })
    this.#weighed++
    if (key.length > MAX_NAMED_LENGTH) return
    if (this.#largest.length < LARGEST || bytes > (this.#largest.at(-1)?.bytes ?? 0)) {
      this.#largest = [...this.#largest, { key, bytes }].sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST)
    }
  }

  /** What the keys of each prefix take together, if they are as those that were weighed. */
  result(counts: Readonly<Record<string, number>>): KeyMemory {
    const prefixes = Object.entries(counts).map(([prefix, keys]) => {
      const { weighed, bytes } = this.#byPrefix.get(prefix) ?? { weighed: 0, bytes: 0 }
      return { prefix, keys, bytes: weighed > 0 ? Math.round((bytes / weighed) * keys) : keys === 0 ? 0 : null }
    })
    return { sampled: this.#weighed, prefixes, largest: this.#largest }
  }
}
