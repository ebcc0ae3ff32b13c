import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

const KEY_BYTES = 32

/**
 * Signs texts for one purpose; signatures for other purposes are not valid for it. The first secret signs, all of them
 * verify.
 */
export class Signer {
  readonly #keys: readonly Buffer[]

  /** `secrets` are those of sessions, at least one. */
  constructor(secrets: readonly string[], purpose: string) {
    this.#keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', purpose, KEY_BYTES)))
  }

  sign(text: string): string {
    const [key] = this.#keys
    if (key === undefined) throw new Error('no secret to sign with')
    return hmac(key, text)
  }

  /** Whether this is the signature of the text by any of the secrets. Compares in constant time. */
  verifies(text: string, signature: string): boolean {
    const given = Buffer.from(signature)
    return this.#keys.some((key) => {
      const right = Buffer.from(hmac(key, text))
      return given.length === right.length && timingSafeEqual(given, right)
    })
  }
}

function hmac(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}
