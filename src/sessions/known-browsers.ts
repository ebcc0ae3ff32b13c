import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

const MAX_LENGTH = 256

/** Whom a browser has signed in, and since when: a new password, and *logout everywhere*, raise the epoch. */
interface Known {
  readonly email: string
  readonly sessionEpoch: number
}

/**
 * Cookies of browsers that have signed in before (OWASP's "device cookies"): their attempts are counted apart, so that nobody else's wrong
 * passwords refuse them. A cookie has the id of its account, and a signature. All browsers of an account have the same, so that no
 * number of logins gives more attempts. The id is an HMAC, which says nothing of the account, and it ends with the account's sessions. The
 * cookie signs nobody in. The first secret signs, all of them verify.
 */
export class KnownBrowsers {
  readonly #keys: readonly Buffer[]

  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'known account', 32)))
  }

  /** A cookie for a browser in which this account has just signed in. */
  issue(account: Known): string {
    const [key = Buffer.alloc(0)] = this.#keys
    const id = idOf(key, account)
    return `${id}.${sign(key, id)}`
  }

  /** The id of the account that has signed in there, maybe one that has ended; null for a cookie that is none of ours. */
  idIn(cookie = ''): string | null {
    if (cookie.length > MAX_LENGTH) return null
    const [id = '', signature = ''] = cookie.split('.')
    return this.#keys.some((key) => isEqual(sign(key, id), signature)) ? id : null
  }

  /** True where this account has signed in there, and its sessions were not ended since. */
  knows(cookie: string | undefined, account: Known): boolean {
    const id = this.idIn(cookie)
    return id !== null && this.#keys.some((key) => isEqual(idOf(key, account), id))
  }
}

/** The name of the cookie, as of that of sessions: in production it is from this host only. */
export function browserCookieName(production: boolean): '__Host-browser' | 'browser' {
  return production ? '__Host-browser' : 'browser'
}

/** No id is signed as one: it has no space. */
function idOf(key: Buffer, { email, sessionEpoch }: Known): string {
  return sign(key, `${email} ${sessionEpoch}`)
}

function sign(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function isEqual(right: string, given: string): boolean {
  const [a, b] = [Buffer.from(right), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
