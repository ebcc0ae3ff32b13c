import { Signer } from '@fastify/cookie'
import { LRUCache } from 'lru-cache'

const MAX_CACHED = 10_000

/**
 * Signs and verifies cookies like `@fastify/cookie`, and caches the valid ones: `@fastify/session` verifies and signs
 * the same cookie on every request of a session, which would be half of the request's cost. The first secret signs, all
 * of them verify.
 */
export function createCookieSigner(secrets: readonly string[]): Pick<Signer, 'sign' | 'unsign'> {
  const signer = new Signer([...secrets])
  const signed = new LRUCache<string, string>({ max: MAX_CACHED })
  const genuine = new LRUCache<string, ReturnType<Signer['unsign']>>({ max: MAX_CACHED })
  return {
    sign: (id) => {
      // The session of a visitor: with an empty cookie, the library does not process it again.
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
