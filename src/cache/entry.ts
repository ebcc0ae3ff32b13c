import { randomBytes } from 'node:crypto'
import { etagOf } from './etag.ts'
import type { CacheSpec } from './keys.ts'

/** The version of the storage format. Entries in any other are misses, so a rolling update may change it. */
const VERSION = '2'
/** In characters. An entry has few tags, so a longer header is not one of ours. */
export const MAX_HEADER_LENGTH = 8192
const ETAG = /^("[\w-]+")?$/

/** What a value depends on. */
export interface Dependencies {
  /** The tags of its spec first, then those that were found during the load. */
  readonly tags: readonly string[]
  /** The stamps that the tags had before the load; empty if it was loaded without the store. */
  readonly stamps: readonly string[]
}

/** A cached value as serialized text, with the stamps that its tags had before it was loaded. */
export interface Entry extends Dependencies {
  /** The fingerprint of the value's schema (`shapeOf`). */
  readonly shape: string
  /** A strong HTTP entity tag of `value`, quotes included; empty for a negative entry. */
  readonly etag: string
  /** The text; for a negative entry, the name of what does not exist. */
  readonly value: string
}

const NOTHING: Dependencies = { tags: [], stamps: [] }

/** A new stamp: a random nonce, so that a stamp created after an eviction never equals an old one. */
export function newStamp(): string {
  return randomBytes(12).toString('base64url')
}

export function createEntry(shape: string, value: string, { tags, stamps } = NOTHING): Entry {
  return { shape, tags, stamps, etag: etagOf(value), value }
}

const bodies = new WeakMap<Entry, string | Buffer>()

/** The value in the form that is fastest to send: a string if it is ASCII, otherwise its bytes, encoded only once. */
export function bodyOf(entry: Entry): string | Buffer {
  let body = bodies.get(entry)
  if (body === undefined) {
    const bytes = Buffer.from(entry.value)
    body = bytes.length === entry.value.length ? entry.value : bytes
    bodies.set(entry, body)
  }
  return body
}

/** A negative entry: `what` is known not to exist. */
export function createNegativeEntry(shape: string, what: string, { tags, stamps } = NOTHING): Entry {
  return { shape, tags, stamps, etag: '', value: what }
}

export function isNegative(entry: Entry): boolean {
  return entry.etag === ''
}

/**
 * One header line, then the value. The length in the header detects a value that was cut short or edited by hand. The
 * time of storage, in ms since 1970, is for operators only (`storedAtOf`).
 */
export function encodeEntry({ shape, tags, stamps, etag, value }: Entry): string {
  const stamped = tags.map((tag, i) => `${tag}=${stamps[i]}`)
  return `${VERSION} ${value.length} ${etag} ${shape} ${stamped.join()} ${Date.now()}\n${value}`
}

/** When an encoded entry was stored; null if its header does not say. */
export function storedAtOf(text: string): Date | null {
  const [, ms] = /^\S+ \S+ \S* \S+ \S* (\d{13})\n/.exec(text.slice(0, MAX_HEADER_LENGTH)) ?? []
  return ms === undefined ? null : new Date(Number(ms))
}

/** The entry, or null if the text is not a complete entry of this version. */
export function decodeEntry(text: string): Entry | null {
  const end = text.indexOf('\n')
  if (end === -1 || end > MAX_HEADER_LENGTH) return null
  const [version, length, etag, shape, stamped] = text.slice(0, end).split(' ')
  const value = text.slice(end + 1)
  if (version !== VERSION || value.length !== Number(length)) return null
  if (etag === undefined || !ETAG.test(etag) || shape === undefined || stamped === undefined) return null
  const tags: string[] = []
  const stamps: string[] = []
  for (const one of stamped === '' ? [] : stamped.split(',')) {
    const [tag, stamp] = one.split('=')
    if (tag === undefined || stamp === undefined) return null
    tags.push(tag)
    stamps.push(stamp)
  }
  return { shape, tags, stamps, etag, value }
}

/**
 * True if the stamps of all tags are known. Otherwise it is impossible to tell later whether the entry is still valid.
 */
export function isStamped({ tags, stamps }: Dependencies): boolean {
  return tags.length === stamps.length
}

/**
 * True if the entry matches the spec, which an entry of another version of the service may not: it has the same shape,
 * and its tags begin with those of the spec, in the same order.
 */
export function matchesSpec(entry: Entry, { shape, tags }: Pick<CacheSpec, 'shape' | 'tags'>): boolean {
  if (entry.shape !== shape) return false
  for (let i = 0; i < tags.length; i++) if (entry.tags[i] !== tags[i]) return false
  return true
}

/** True while the entry's tags, from index `from` on, still have the stamps that it was built under. */
export function isCurrent({ stamps }: Dependencies, current: readonly (string | null)[], from = 0): boolean {
  for (let i = 0; i < current.length; i++) if (stamps[from + i] !== current[i]) return false
  return true
}
