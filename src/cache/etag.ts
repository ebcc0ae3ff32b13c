import { hash } from 'node:crypto'

/** A strong HTTP entity tag of the text, quotes included. */
export function etagOf(value: string): string {
  return `"${hash('sha1', value, 'base64url')}"`
}

/** The entity tag of the same text in a content encoding, as each form has its own (RFC 9110, 8.8.3.3). */
export function encodedEtag(etag: string, encoding: string): string {
  return etag.includes('.') ? etag : etag.replace(/"$/, `.${encoding}"`)
}

/**
 * The entity tag by which an `If-Match` or `If-None-Match` header names this one, in whatever content encoding it was sent, by the weak
 * comparison of RFC 9110, 13.1.2; null where it does not name it.
 */
export function namedEtag(header: string | undefined, etag: string): string | null {
  if (header === undefined) return null
  if (header === etag || header === '*') return etag
  for (const [, tag = ''] of header.matchAll(LISTED)) {
    if (tag === etag || tag.replace(/\.\w+"$/, '"') === etag) return tag
  }
  return null
}

/** An entity tag of a list, which may have commas between its quotes. */
const LISTED = /(?:^|,)[ \t]*(?:W\/)?("[^"]*")[ \t]*(?=,|$)/g
