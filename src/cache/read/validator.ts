import { decodeEntry, type Entry, isCurrent, isNegative, isStamped, matchesSpec } from '../entry.ts'
import type { CacheSpec } from '../keys.ts'
import type { Check, Copy, MemoryTier } from '../l1/memory-tier.ts'
import type { Store } from '../store/store.ts'
import type { Breaker } from '../trust/breaker.ts'

export interface ValidatorOptions {
  readonly store: Store
  readonly breaker: Breaker
  readonly tier: MemoryTier
}

/**
 * The store's answer for a key: a valid entry, and whether it is the copy of this process; or else the current stamps.
 */
export type Current =
  | { readonly entry: Entry; readonly copied: boolean }
  | { readonly stamps: readonly (string | null)[] }

/** Asks the store what is valid now. Its methods reject if the store does not answer, or loses trust meanwhile. */
export class Validator {
  readonly #options: ValidatorOptions

  constructor(options: ValidatorOptions) {
    this.#options = options
  }

  /**
   * The valid entry (the copy of this process, if its stamps are still current), or the current stamps of the spec's
   * tags.
   */
  async find(spec: CacheSpec, check: Check): Promise<Current> {
    const { tier, store } = this.#options
    const copy = this.copyToConfirm(spec)
    if (copy !== undefined && (await this.confirm(spec, copy))) return { entry: copy.entry, copied: true }
    if (spec.authoritative) return { stamps: await this.#ask(() => store.stamps(spec.tags)) }
    const [stored, stamps] = await this.#ask(() => Promise.all([store.get(spec.key), store.stamps(spec.tags)]))
    const entry = stored === null ? null : decodeEntry(stored.text)
    if (stored === null || entry === null || !matchesSpec(entry, spec) || !isCurrent(entry, stamps)) return { stamps }
    if (!isNegative(entry) && spec.isWellFormed?.(entry.value) === false) return { stamps }
    // The tags that were found during its load are only known now.
    const found = entry.tags.slice(spec.tags.length)
    const whole = tier.alsoWatch(check, found)
    if (!(await this.isStillCurrent(entry, spec.tags.length))) return { stamps }
    tier.keep(spec.key, entry, whole, check.at + stored.ttlMs)
    return { entry, copied: false }
  }

  /** The valid entry, or null. */
  async valid(spec: CacheSpec): Promise<Entry | null> {
    const current = await this.find(spec, this.#options.tier.begin(spec.tags))
    return 'entry' in current ? current.entry : null
  }

  /** The copy of this process, if comparing its stamps is enough to confirm it: it needs at least one tag. */
  copyToConfirm(spec: CacheSpec): Copy | undefined {
    const { tier } = this.#options
    const copy = tier.get(spec.key)
    if (copy === undefined || performance.now() >= copy.expiresAt || !tier.isIntact(copy.check)) return undefined
    const { entry } = copy
    return entry.tags.length > 0 && isStamped(entry) && matchesSpec(entry, spec) ? copy : undefined
  }

  /** True if the stamps of such a copy are still current; its lease then begins again. */
  async confirm({ key }: CacheSpec, copy: Copy): Promise<boolean> {
    const { tier } = this.#options
    const check = tier.begin(copy.entry.tags)
    if (!(await this.isStillCurrent(copy.entry))) {
      tier.discard(key, copy)
      return false
    }
    tier.keep(key, copy.entry, check, copy.expiresAt)
    return true
  }

  /** True if the entry's tags, from index `from` on, still have the stamps that it was built under. */
  async isStillCurrent(entry: Entry, from = 0): Promise<boolean> {
    const { store } = this.#options
    if (!isStamped(entry)) return false
    const tags = entry.tags.slice(from)
    return tags.length === 0 || isCurrent(entry, await this.#ask(() => store.stamps(tags)), from)
  }

  /**
   * Rejects if the store lost trust meanwhile: the answer may come from another server, which has not seen the last
   * writes.
   */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    const { breaker } = this.#options
    const { doubts } = breaker
    const answer = await breaker.run(question)
    if (breaker.doubts !== doubts) throw new Error('the store lost trust before it answered')
    return answer
  }
}
