import { hash, timingSafeEqual } from 'node:crypto'

const BEARER = /^bearer(?: +(.*))?$/i

/**
 * The bearer token in an `Authorization` header, whatever it looks like; null if the scheme is another one or the
 * header is missing.
 */
export function bearerToken(authorization: string | undefined): string | null {
  const match = authorization === undefined ? null : BEARER.exec(authorization)
  return match === null ? null : (match[1] ?? '')
}

type Problem = 'invalid_token' | 'insufficient_scope'

/**
 * `WWW-Authenticate` (RFC 9110, 11.6.1, and RFC 6750, 3): how to authenticate, and what is wrong with the token that
 * was sent.
 */
export function challenge(problem?: Problem, scope?: string): string {
  const parts = ['realm="AI Akademiya"']
  if (problem !== undefined) parts.push(`error="${problem}"`)
  if (scope !== undefined) parts.push(`scope="${scope}"`)
  return `Bearer ${parts.join(', ')}`
}

/** Whether a client sent the secret. Compares in constant time. */
export function isSameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', secret, 'buffer'))
}
