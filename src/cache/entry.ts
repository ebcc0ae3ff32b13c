import { randomBytes } from 'node:crypto'
import { etagOf } from './etag.ts'

/** The version of the stored form: entries of another one are misses, so that a rolling update may change it. */
const VERSION = '1'
const ETAG = /^("[\w-]+")?$/

/** A cached value, as serialized text, with the stamps that its tags had before it was loaded. */
export interface Entry {
  readonly stamps: readonly string[]
  /** A strong HTTP entity tag of `value`, quotes included; empty where there is no value. */
  readonly etag: string
  /** The text; of a negative entry, the name of what does not exist. */
  readonly value: string
}

/** A new stamp: a random nonce, so that a stamp that was evicted and made anew never equals an old one. */
export function newStamp(): string {
  return randomBytes(12).toString('base64url')
}

export function createEntry(value: string, stamps: readonly string[]): Entry {
  return { stamps, etag: etagOf(value), value }
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
export function createNegativeEntry(what: string, stamps: readonly string[]): Entry {
  return { stamps, etag: '', value: what }
}

export function isNegative(entry: Entry): boolean {
  return entry.etag === ''
}

/** One line of header, then the value. Its length guards against a value cut short or edited by hand. */
export function encodeEntry(entry: Entry): string {
  return `${VERSION} ${entry.value.length} ${entry.etag} ${entry.stamps.join(',')}\n${entry.value}`
}

/** The entry, or null when the text is not a whole entry of this version. */
export function decodeEntry(text: string): Entry | null {
  const end = text.indexOf('\n')
  if (end === -1) return null
  const [version, length, etag, stamps] = text.slice(0, end).split(' ')
  const value = text.slice(end + 1)
  if (version !== VERSION || etag === undefined || stamps === undefined || value.length !== Number(length)) return null
  if (!ETAG.test(etag)) return null
  return { stamps: stamps === '' ? [] : stamps.split(','), etag, value }
}

/** True while every tag still has the stamp that the entry was built under. */
export function isValid(entry: Entry, current: readonly (string | null)[]): boolean {
  if (entry.stamps.length !== current.length) return false
  for (let i = 0; i < current.length; i++) if (entry.stamps[i] !== current[i]) return false
  return true
}
