import { hash } from 'node:crypto'

/** A strong HTTP entity tag of the text, quotes included. */
export function etagOf(value: string): string {
  return `"${hash('sha1', value, 'base64url')}"`
}

/** True when an `If-None-Match` header names the entity tag, by the weak comparison of RFC 9110, 13.1.2. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header === etag || header === '*') return true
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
