import { Signer } from './signer.ts'

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
 * cookie signs nobody in.
 */
export class KnownBrowsers {
  readonly #signer: Signer

  constructor(secrets: readonly string[]) {
    this.#signer = new Signer(secrets, 'known account')
  }

  /** A cookie for a browser in which this account has just signed in. */
  issue(account: Known): string {
    const id = this.#signer.sign(textOf(account))
    return `${id}.${this.#signer.sign(id)}`
  }

  /** The id of the account that has signed in there, maybe one that has ended; null for a cookie that is none of ours. */
  idIn(cookie = ''): string | null {
    if (cookie.length > MAX_LENGTH) return null
    const [id = '', signature = ''] = cookie.split('.')
    return this.#signer.verifies(id, signature) ? id : null
  }

  /** True where this account has signed in there, and its sessions were not ended since. */
  knows(cookie: string | undefined, account: Known): boolean {
    const id = this.idIn(cookie)
    return id !== null && this.#signer.verifies(textOf(account), id)
  }
}

/** The name of the cookie, as of that of sessions: in production it is from this host only. */
export function browserCookieName(production: boolean): '__Host-browser' | 'browser' {
  return production ? '__Host-browser' : 'browser'
}

/** What the id of an account signs. No id is taken for one: it has no space. */
function textOf({ email, sessionEpoch }: Known): string {
  return `${email} ${sessionEpoch}`
}
