/**
 * The name of the session cookie. In production it has the prefix `__Host-`: browsers accept it only from this host,
 * over TLS, for the whole host, so no other host of the same site can plant one. A cookie of the other name is then
 * ignored.
 */
export function sessionCookieName(production: boolean): '__Host-sid' | 'sid' {
  return production ? '__Host-sid' : 'sid'
}

/**
 * Allows white space around the name, as cookie parsers do. Matches either name: a false positive does no harm here.
 */
const CARRIES_SESSION = /\bsid\s*=/

/** Whether a `Cookie` header may carry a session. */
export function mayCarrySession(cookies: string | undefined): boolean {
  return cookies !== undefined && CARRIES_SESSION.test(cookies)
}

/** If more cookies have the same name, only the last ones are looked at. */
const MAX_VALUES = 8

/**
 * All values of a repeated cookie, in order; empty if it occurs at most once. Cookie parsers return only the first one.
 */
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

/**
 * The attributes common to the cookies of this service. `auto` sets Secure if the request came over TLS, or a trusted
 * proxy says so.
 */
export function cookieAttributes(production: boolean, sameSite: 'lax' | 'strict' | 'none') {
  // Browsers accept `SameSite=None` only together with Secure.
  const secure = production || sameSite === 'none' ? true : 'auto'
  return { path: '/', httpOnly: true, sameSite, secure } as const
}
