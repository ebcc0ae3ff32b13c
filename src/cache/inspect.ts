import { decodeEntry, isNegative, storedAtOf } from './entry.ts'
import type { Store } from './store/store.ts'

/** In characters: only the beginning of a longer value is shown. */
const MAX_SHOWN = 65_536

/** An entry as the admin page shows it. */
export interface InspectedEntry {
  readonly key: string
  readonly value: string
  /** True if `value` is only the beginning. */
  readonly truncated: boolean
  /** True for a negative entry: `value` is the name of what does not exist. */
  readonly missing: boolean
  /** Its memory usage in the store. */
  readonly bytes: number | null
  readonly ttlMs: number | null
  readonly storedAt: Date | null
  /** The tags that it depends on, and whether their stamps are still the current ones. */
  readonly tags: { readonly tag: string; readonly current: boolean }[]
  /** False for an entry that will not be served: one of its tags was invalidated, or it is not one of ours. */
  readonly valid: boolean
}

/** The entry stored under a key, valid or not; null if there is none. */
export async function inspect(store: Store, key: string): Promise<InspectedEntry | null> {
  const [stored, bytes] = await Promise.all([store.get(key), store.memoryUsage(key)])
  if (stored === null) return null
  const entry = decodeEntry(stored.text)
  const stamps = entry === null ? [] : await store.stamps(entry.tags)
  const tags = (entry?.tags ?? []).map((tag, i) => ({ tag, current: entry?.stamps[i] === stamps[i] }))
  const value = entry?.value ?? stored.text
  return {
    key,
    // The cut may have split a surrogate pair.
    value: value.slice(0, MAX_SHOWN).toWellFormed(),
    truncated: value.length > MAX_SHOWN,
    missing: entry !== null && isNegative(entry),
    bytes,
    ttlMs: stored.ttlMs < 0 ? null : stored.ttlMs,
    storedAt: entry === null ? null : storedAtOf(stored.text),
    tags,
    valid: entry !== null && tags.every(({ current }) => current)
  }
}
