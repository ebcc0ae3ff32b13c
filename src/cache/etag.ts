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
 * True when an `If-None-Match` header names the entity tag, in whatever content encoding it was sent, by the weak comparison of RFC 9110,
 * 13.1.2.
 */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header === etag || header === '*') return true
  return header.split(',').some(
    (tag) =>
      tag
        .trim()
        .replace(/^W\//, '')
        .replace(/\.(br|gzip)"$/, '"') === etag
  )
}
