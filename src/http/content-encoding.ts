import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import Negotiator from 'negotiator'

export type ContentEncoding = 'br' | 'gzip'

/** In the order in which they are chosen from by a client that has no preference. */
export const CONTENT_ENCODINGS: ContentEncoding[] = ['br', 'gzip']
/** Answers below are not compressed: they are one packet either way. In bytes. */
export const MIN_COMPRESSED_BYTES = 1024

/** Browsers send a few forms of `Accept-Encoding`. */
const MAX_KNOWN_FORMS = 100
const preferences = new LRUCache<string, { readonly encoding: ContentEncoding | null }>({ max: MAX_KNOWN_FORMS })

/** How this body is sent to a client that accepts this; null is as it is. */
export function encodingFor(acceptEncoding: string | undefined, body: string | Buffer): ContentEncoding | null {
  return acceptEncoding === undefined || isSmall(body) ? null : preferredEncoding(acceptEncoding)
}

/** The encoding that a client prefers, by its `Accept-Encoding`; null is none. */
export function preferredEncoding(acceptEncoding: string): ContentEncoding | null {
  const known = preferences.get(acceptEncoding)
  if (known !== undefined) return known.encoding
  const negotiator = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } })
  const preferred = negotiator.encoding([...CONTENT_ENCODINGS, 'identity'], { preferred: CONTENT_ENCODINGS })
  const encoding = CONTENT_ENCODINGS.find((encoding) => encoding === preferred) ?? null
  preferences.set(acceptEncoding, { encoding })
  return encoding
}

function isSmall(body: string | Buffer): boolean {
  if (body.length >= MIN_COMPRESSED_BYTES) return false
  return typeof body !== 'string' || Buffer.byteLength(body) < MIN_COMPRESSED_BYTES
}

/** Brotli at 5 takes 2 ms for 100 KB, and is done once for an entry: 11 would save another tenth, and take 150 ms. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }

const compress = {
  br: (body: string | Buffer) => promisify(brotliCompress)(body, BROTLI),
  gzip: (body: string | Buffer) => promisify(gzip)(body)
} satisfies Record<ContentEncoding, unknown>

type Compressed = Partial<Record<ContentEncoding, Buffer | Promise<Buffer>>>
const compressed = new WeakMap<object, Compressed>()

/**
 * The body that belongs to `owner`, compressed: once for each encoding, by another thread, and kept as long as `owner` is. A promise
 * where it is not yet done.
 */
export function compressedBody(
  owner: object,
  body: string | Buffer,
  encoding: ContentEncoding
): Buffer | Promise<Buffer> {
  const forms = compressed.get(owner) ?? {}
  compressed.set(owner, forms)
  const known = forms[encoding]
  if (known !== undefined) return known
  const making = compress[encoding](body).then((bytes) => {
    forms[encoding] = bytes
    return bytes
  })
  forms[encoding] = making
  // The next client tries again.
  making.catch(() => delete forms[encoding])
  return making
}
