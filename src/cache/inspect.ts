import { decodeEntry, isNegative, storedAtOf } from './entry.ts'
import type { Store } from './store/store.ts'

/** Of a longer value the beginning is shown. */
const MAX_SHOWN = 65_536

/** An entry as people look at it. */
export interface InspectedEntry {
  readonly key: string
  readonly value: string
  /** Only the beginning is shown. */
  readonly truncated: boolean
  /** It is known that this does not exist, and `value` is its name. */
  readonly missing: boolean
  /** What it weighs in the store. */
  readonly bytes: number | null
  readonly ttlMs: number | null
  readonly storedAt: Date | null
  /** What it depends on, and whether that is as it was. */
  readonly tags: { readonly tag: string; readonly current: boolean }[]
  /** False for one that will not be served: a tag was touched since, or it was put there by hand. */
  readonly valid: boolean
}

/** The entry under a key, as the store has it; null where there is none. */
export async function inspect(store: Store, key: string): Promise<InspectedEntry | null> {
  const [stored, bytes] = await Promise.all([store.get(key), store.weigh(key)])
  if (stored === null) return null
  const entry = decodeEntry(stored.text)
  const stamps = entry === null ? [] : await store.stamps(entry.tags)
  const tags = (entry?.tags ?? []).map((tag, i) => ({ tag, current: entry?.stamps[i] === stamps[i] }))
  const value = entry?.value ?? stored.text
  return {
    key,
    // Not half a character at its end.
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
