/**
 * The name of the cookie that carries a session. In production a browser takes it from this host only, over TLS only, for the whole host
 * (the prefix `__Host-`): no page of another host of the same site can plant one. A cookie of the other name then means nothing.
 */
export function sessionCookieName(production: boolean): '__Host-sid' | 'sid' {
  return production ? '__Host-sid' : 'sid'
}

/** As parsers of cookies do, this lets white space stand around the name. Either name will do: this only tells who may be signed in. */
const CARRIES_SESSION = /\bsid\s*=/

/** True for a `Cookie` header that may carry a session. */
export function mayCarrySession(cookies: string | undefined): boolean {
  return cookies !== undefined && CARRIES_SESSION.test(cookies)
}

/** Of more cookies of one name only the last are looked at. */
const MAX_VALUES = 8

/** The values that a `Cookie` header has under a name, in its order; parsers of cookies give the first of them only. */
export function cookieValues(header: string | undefined, name: string): string[] {
  if (header === undefined || header.indexOf(name) === header.lastIndexOf(name)) return []
  const values: string[] = []
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at !== -1 && pair.slice(0, at).trim() === name) values.push(pair.slice(at + 1).trim())
  }
  return values.slice(-MAX_VALUES).map(decoded)
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** What the cookies of this service have in common. With `auto` one is Secure where the request came over TLS, by the word of a trusted proxy too. */
export function cookieAttributes(production: boolean, sameSite: 'lax' | 'strict' | 'none') {
  // Browsers take no cookie for all sites that is not Secure.
  const secure = production || sameSite === 'none' ? true : 'auto'
  return { path: '/', httpOnly: true, sameSite, secure } as const
}
