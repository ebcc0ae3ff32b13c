import { Signer } from './signer.ts'

/** How long a link can be opened, in ms. */
const LINK_MS = 10 * 60_000
/** How long the cookie that it is exchanged for is valid, in seconds. */
export const READING_S = 3600

/** The expiry, in ms since 1970, and its signature. */
const SIGNED = /^(\d{13})\.([\w-]{43})$/

/**
 * Links that let an operator read the admin page while nobody can sign in. Whoever knows the session secret can create
 * one (`npm run admin-link`). The link is exchanged for a cookie that is signed for another purpose. Both carry their
 * expiry, so nothing is stored.
 */
export class AdminLinks {
  readonly #links: Signer
  readonly #cookies: Signer

  constructor(secrets: readonly string[]) {
    this.#links = new Signer(secrets, 'admin link')
    this.#cookies = new Signer(secrets, 'admin link cookie')
  }

  /** The token of a new link. */
  token(): string {
    return signed(this.#links, Date.now() + LINK_MS)
  }

  accepts(token: string): boolean {
    return isValid(this.#links, token)
  }

  /** The cookie for a browser that has opened a link. */
  cookie(): string {
    return signed(this.#cookies, Date.now() + 1000 * READING_S)
  }

  acceptsCookie(cookie: string): boolean {
    return isValid(this.#cookies, cookie)
  }
}

function signed(signer: Signer, endMs: number): string {
  return `${endMs}.${signer.sign(String(endMs))}`
}

function isValid(signer: Signer, text: string): boolean {
  const [, end = '', signature = ''] = SIGNED.exec(text) ?? []
  return signer.verifies(end, signature) && Number(end) > Date.now()
}

/** The name of the cookie; in production, as for the session cookie, only this host can set it. */
export function adminLinkCookieName(production: boolean): '__Host-admin-link' | 'admin-link' {
  return production ? '__Host-admin-link' : 'admin-link'
}
