import negotiator from '@fastify/accept-negotiator'
import { LRUCache } from 'lru-cache'
import { CONTENT_ENCODINGS, type ContentEncoding, MIN_COMPRESSED_BYTES } from '#http/content-encoding.ts'

/** Browsers send a few forms of `Accept-Encoding`. */
const MAX_FORMS = 100
const preferences = new negotiator.Negotiator({
  supportedValues: CONTENT_ENCODINGS,
  cache: new LRUCache<string, string>({ max: MAX_FORMS })
})

/** How a body is sent to a client that accepts this; null is as it is. */
export function encodingFor(acceptEncoding: string | undefined, body: string | Buffer): ContentEncoding | null {
  if (acceptEncoding === undefined || body.length < MIN_COMPRESSED_BYTES) return null
  return preferences.negotiate(acceptEncoding)
}
