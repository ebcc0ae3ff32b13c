import { decodeEntry, type Entry, isCurrent, isNegative, isOf, isStamped } from '../entry.ts'
import type { CacheSpec } from '../keys.ts'
import type { Check, Copy, MemoryTier } from '../l1/memory-tier.ts'
import type { Store } from '../store/store.ts'
import type { Breaker } from '../trust/breaker.ts'

export interface ValidatorOptions {
  readonly store: Store
  readonly breaker: Breaker
  readonly tier: MemoryTier
}

/** What the store says of a key now: that there is a valid entry, and whether a copy of this process is it; or the current stamps. */
export type Current =
  | { readonly entry: Entry; readonly copied: boolean }
  | { readonly stamps: readonly (string | null)[] }

/** Questions to the store: what is valid now. They reject when it does not answer, or is doubted meanwhile. */
export class Validator {
  readonly #options: ValidatorOptions

  constructor(options: ValidatorOptions) {
    this.#options = options
  }

  /** The valid entry, by the copy of this process where only stamps need be asked for, or the current stamps of the spec's tags. */
  async find(spec: CacheSpec, check: Check): Promise<Current> {
    const { tier, store } = this.#options
    const copy = this.copyToConfirm(spec)
    if (copy !== undefined && (await this.confirm(spec, copy))) return { entry: copy.entry, copied: true }
    if (spec.authoritative) return { stamps: await this.#ask(() => store.stamps(spec.tags)) }
    const [stored, stamps] = await this.#ask(() => Promise.all([store.get(spec.key), store.stamps(spec.tags)]))
    const entry = stored === null ? null : decodeEntry(stored.text)
    if (stored === null || entry === null || !isOf(entry, spec) || !isCurrent(entry, stamps)) return { stamps }
    if (!isNegative(entry) && spec.form?.(entry.value) === false) return { stamps }
    // What else it depends on nobody knew before it was read.
    const found = entry.tags.slice(spec.tags.length)
    const whole = tier.alsoWatch(check, found)
    if (!(await this.isStillCurrent(entry, spec.tags.length))) return { stamps }
    tier.keep(spec.key, entry, whole, check.at + stored.ttlMs)
    return { entry, copied: false }
  }

  /** The valid entry of the store, or null. */
  async valid(spec: CacheSpec): Promise<Entry | null> {
    const current = await this.find(spec, this.#options.tier.begin(spec.tags))
    return 'entry' in current ? current.entry : null
  }

  /** The copy of this process for which only stamps need be asked; without any there is nothing that they could say. */
  copyToConfirm(spec: CacheSpec): Copy | undefined {
    const { tier } = this.#options
    const copy = tier.get(spec.key)
    if (copy === undefined || performance.now() >= copy.expiresAt || !tier.isIntact(copy.check)) return undefined
    const { entry } = copy
    return entry.tags.length > 0 && isStamped(entry) && isOf(entry, spec) ? copy : undefined
  }

  /** True when the store has the stamps of such a copy, which is then checked anew. */
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

  /** True when the tags of the entry, from the one at `from` on, have the stamps that it was built under. */
  async isStillCurrent(entry: Entry, from = 0): Promise<boolean> {
    const { store } = this.#options
    if (!isStamped(entry)) return false
    const tags = entry.tags.slice(from)
    return tags.length === 0 || isCurrent(entry, await this.#ask(() => store.stamps(tags)), from)
  }

  /** Rejects when the store was doubted meanwhile: another server may have answered, which does not know of the last writes. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    const { breaker } = this.#options
    const { doubts } = breaker
    const answer = await breaker.run(question)
    if (breaker.doubts !== doubts) throw new Error('the store was doubted while it was asked')
    return answer
  }
}
