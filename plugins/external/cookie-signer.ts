import { Signer } from '@fastify/cookie'
import { LRUCache } from 'lru-cache'

const MAX_KEPT = 10_000

/**
 * Signs and verifies cookies as `@fastify/cookie` does, and remembers the last that were genuine: `@fastify/session` verifies and signs the
 * same cookie for every request of a session, which would be half of what it costs. The first secret signs, all of them verify.
 */
export function createCookieSigner(secrets: readonly string[]): Pick<Signer, 'sign' | 'unsign'> {
  const signer = new Signer([...secrets])
  const signed = new LRUCache<string, string>({ max: MAX_KEPT })
  const genuine = new LRUCache<string, ReturnType<Signer['unsign']>>({ max: MAX_KEPT })
  return {
    sign: (id) => {
      // The session of a visitor: without a signature, too, the library does not look at it again.
      if (id === '') return ''
      const cookie = signed.get(id) ?? signer.sign(id)
      signed.set(id, cookie)
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
