import { Signer } from './signer.ts'

const MAX_LENGTH = 256

/** The account that a browser has signed in to. A new password and *log out everywhere* raise the epoch. */
interface Known {
  readonly email: string
  readonly sessionEpoch: number
}

/**
 * Cookies of browsers that have signed in before (OWASP's "device cookies"). Their attempts are counted separately, so
 * that wrong passwords from elsewhere cannot lock them out. The cookie holds an id of the account and a signature. All
 * browsers of an account share the id, so that more logins do not allow more attempts. The id is an HMAC that reveals
 * nothing about the account, and it becomes invalid when the account's sessions are ended. The cookie does not sign
 * anybody in.
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

  /** The id of the account that signed in there, which may be outdated; null for a cookie that is not ours. */
  idIn(cookie = ''): string | null {
    if (cookie.length > MAX_LENGTH) return null
    const [id = '', signature = ''] = cookie.split('.')
    return this.#signer.verifies(id, signature) ? id : null
  }

  /** Whether this account signed in there, and its sessions have not been ended since. */
  knows(cookie: string | undefined, account: Known): boolean {
    const id = this.idIn(cookie)
    return id !== null && this.#signer.verifies(textOf(account), id)
  }
}

/** The name of the cookie; in production, as for the session cookie, only this host can set it. */
export function browserCookieName(production: boolean): '__Host-browser' | 'browser' {
  return production ? '__Host-browser' : 'browser'
}

/** The text whose signature is the id. It contains a space, so it cannot be confused with an id. */
function textOf({ email, sessionEpoch }: Known): string {
  return `${email} ${sessionEpoch}`
}
