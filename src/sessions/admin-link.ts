import { Signer } from './signer.ts'

/** How long somebody has to open a link. */
const LINK_MS = 10 * 60_000
/** How long he then may read, in seconds. */
export const READING_S = 3600

/** When it ends, in ms since 1970, and a signature of that. */
const SIGNED = /^(\d{13})\.([\w-]{43})$/

/**
 * Links by which an operator reads the admin page while nobody can sign in: whoever has the secret of sessions makes one
 * (`npm run admin-link`). It is exchanged for a cookie, which is signed for another purpose. Both have their end in them, and nothing is kept.
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
    return isGood(this.#links, token)
  }

  /** What a browser that has opened a link gets. */
  cookie(): string {
    return signed(this.#cookies, Date.now() + 1000 * READING_S)
  }

  acceptsCookie(cookie: string): boolean {
    return isGood(this.#cookies, cookie)
  }
}

function signed(signer: Signer, endMs: number): string {
  return `${endMs}.${signer.sign(String(endMs))}`
}

function isGood(signer: Signer, text: string): boolean {
  const [, end = '', signature = ''] = SIGNED.exec(text) ?? []
  return signer.verifies(end, signature) && Number(end) > Date.now()
}

/** As the name of the cookie of sessions: in production it is from this host only. */
export function adminLinkCookieName(production: boolean): '__Host-admin-link' | 'admin-link' {
  return production ? '__Host-admin-link' : 'admin-link'
}
