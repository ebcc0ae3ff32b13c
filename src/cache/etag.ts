import { hash } from 'node:crypto'

/** A strong HTTP entity tag of the text, quotes included. */
export function etagOf(value: string): string {
  return `"${hash('sha1', value, 'base64url')}"`
}

/** The entity tag of the same text in a content encoding: each encoding needs its own (RFC 9110, 8.8.3.3). */
export function encodedEtag(etag: string, encoding: string): string {
  return etag.includes('.') ? etag : etag.replace(/"$/, `.${encoding}"`)
}

/**
 * The entity tag in an `If-Match` or `If-None-Match` header that matches `etag`, in any content encoding, by the weak
 * comparison of RFC 9110, 13.1.2; null if none does.
 */
export function namedEtag(header: string | undefined, etag: string): string | null {
  if (header === undefined) return null
  if (header === etag || header === '*') return etag
  for (const [, tag = ''] of header.matchAll(LISTED)) {
    if (tag === etag || tag.replace(/\.\w+"$/, '"') === etag) return tag
  }
  return null
}

/** An entity tag in a list. It may contain commas between its quotes. */
const LISTED = /(?:^|,)[ \t]*(?:W\/)?("[^"]*")[ \t]*(?=,|$)/g
