import { randomBytes } from 'node:crypto'
import { etagOf } from './etag.ts'
import type { CacheSpec } from './keys.ts'

/** The version of the stored form: entries of another one are misses, so that a rolling update may change it. */
const VERSION = '2'
/** The header of an entry has a tag or a few: a longer one is none of ours. */
export const MAX_HEADER_LENGTH = 8192
const ETAG = /^("[\w-]+")?$/

/** What a value depends on. */
export interface Dependencies {
  /** The tags of its spec first, then those that only its load could name. */
  readonly tags: readonly string[]
  /** The stamps that they had before the load; none where it was loaded without asking for them. */
  readonly stamps: readonly string[]
}

/** A cached value, as serialized text, with the stamps that its tags had before it was loaded. */
export interface Entry extends Dependencies {
  /** The fingerprint of what the value is made of. */
  readonly shape: string
  /** A strong HTTP entity tag of `value`, quotes included; empty where there is no value. */
  readonly etag: string
  /** The text; of a negative entry, the name of what does not exist. */
  readonly value: string
}

const NOTHING: Dependencies = { tags: [], stamps: [] }

/** A new stamp: a random nonce, so that a stamp that was evicted and made anew never equals an old one. */
export function newStamp(): string {
  return randomBytes(12).toString('base64url')
}

export function createEntry(shape: string, value: string, { tags, stamps } = NOTHING): Entry {
  return { shape, tags, stamps, etag: etagOf(value), value }
}

const bodies = new WeakMap<Entry, string | Buffer>()

/** The value as it is sent soonest: text where a character is a byte, else its bytes, encoded once, however often they are sent. */
export function bodyOf(entry: Entry): string | Buffer {
  let body = bodies.get(entry)
  if (body === undefined) {
    const bytes = Buffer.from(entry.value)
    body = bytes.length === entry.value.length ? entry.value : bytes
    bodies.set(entry, body)
  }
  return body
}

/** A negative entry: it is known that `what` does not exist. */
export function createNegativeEntry(shape: string, what: string, { tags, stamps } = NOTHING): Entry {
  return { shape, tags, stamps, etag: '', value: what }
}

export function isNegative(entry: Entry): boolean {
  return entry.etag === ''
}

/**
 * One line of header, then the value. Its length guards against a value cut short or edited by hand. When it was stored, in ms since 1970,
 * is for people only (`storedAtOf`).
 */
export function encodeEntry({ shape, tags, stamps, etag, value }: Entry): string {
  const stamped = tags.map((tag, i) => `${tag}=${stamps[i]}`)
  return `${VERSION} ${value.length} ${etag} ${shape} ${stamped.join()} ${Date.now()}\n${value}`
}

/** When the text of an entry was stored; null where it does not say so. */
export function storedAtOf(text: string): Date | null {
  const [, ms] = /^\S+ \S+ \S* \S+ \S* (\d{13})\n/.exec(text.slice(0, MAX_HEADER_LENGTH)) ?? []
  return ms === undefined ? null : new Date(Number(ms))
}

/** The entry, or null when the text is not a whole entry of this version. */
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

/** True when the stamps of its tags are known: else nobody can tell later whether it is valid. */
export function isStamped({ tags, stamps }: Dependencies): boolean {
  return tags.length === stamps.length
}

/**
 * True when the entry is what the spec says: of its shape, and dependent on its tags, in their order, and perhaps on others after them.
 * Another version of the service may have made it.
 */
export function isOf(entry: Entry, { shape, tags }: Pick<CacheSpec, 'shape' | 'tags'>): boolean {
  if (entry.shape !== shape) return false
  for (let i = 0; i < tags.length; i++) if (entry.tags[i] !== tags[i]) return false
  return true
}

/** True while the tags of the entry, from the one at `from` on, have the stamps that it was built under. */
export function isCurrent({ stamps }: Dependencies, current: readonly (string | null)[], from = 0): boolean {
  for (let i = 0; i < current.length; i++) if (stamps[from + i] !== current[i]) return false
  return true
}
