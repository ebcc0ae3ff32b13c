import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

const ID_BYTES = 12
const MAX_LENGTH = 256

/**
 * Cookies of browsers that have signed in before (OWASP's "device cookies"): their attempts are counted apart, so that nobody else's wrong
 * passwords refuse them. A cookie has a random id, which says nothing of its user, and two signatures: that it is ours, and for which
 * e-mail address. It signs nobody in. The first secret signs, all of them verify.
 */
export class KnownBrowsers {
  readonly #keys: readonly Buffer[]

  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'known browser', 32)))
  }

  /** A cookie for a browser in which the account with this address has just signed in. */
  issue(email: string): string {
    const id = randomBytes(ID_BYTES).toString('base64url')
    const [key = Buffer.alloc(0)] = this.#keys
    return [id, sign(key, id), sign(key, `${id} ${email}`)].join('.')
  }

  /** The id of a browser; null for a cookie that is none of ours. */
  idOf(cookie: string | undefined): string | null {
    const [id = '', ours = ''] = parts(cookie)
    return this.#keys.some((key) => isEqual(sign(key, id), ours)) ? id : null
  }

  /** True where the account with this address has signed in there. */
  knows(cookie: string | undefined, email: string): boolean {
    const [, , known = ''] = parts(cookie)
    const id = this.idOf(cookie)
    return id !== null && this.#keys.some((key) => isEqual(sign(key, `${id} ${email}`), known))
  }
}

/** The name of the cookie, as of that of sessions: in production it is from this host only. */
export function browserCookieName(production: boolean): '__Host-browser' | 'browser' {
  return production ? '__Host-browser' : 'browser'
}

function parts(cookie = ''): string[] {
  return cookie.length > MAX_LENGTH ? [] : cookie.split('.')
}

function sign(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function isEqual(right: string, given: string): boolean {
  const [a, b] = [Buffer.from(right), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
