import { Signer } from '@fastify/cookie'
import { LRUCache } from 'lru-cache'

const MAX_KEPT = 10_000

/**
 * Signs and verifies cookies as `@fastify/cookie` does, and remembers the last that were genuine: the same cookie comes with every
 * request of a session, and would be signed twice for each. The first secret signs, all of them verify.
 */
export function createCookieSigner(secrets: readonly string[]): Pick<Signer, 'sign' | 'unsign'> {
  const signer = new Signer([...secrets])
  const signed = new LRUCache<string, string>({ max: MAX_KEPT })
  const genuine = new LRUCache<string, ReturnType<Signer['unsign']>>({ max: MAX_KEPT })
  return {
    sign: (value) => {
      const cookie = signed.get(value) ?? signer.sign(value)
      signed.set(value, cookie)
      return cookie
    },
    unsign: (cookie) => {
      const known = genuine.get(cookie)
      if (known !== undefined) return known
      const found = signer.unsign(cookie)
      if (found.valid) genuine.set(cookie, found)
      return found
    }
  }
}
