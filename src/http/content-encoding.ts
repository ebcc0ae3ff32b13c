import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import Negotiator from 'negotiator'

export type ContentEncoding = 'br' | 'gzip'

/** In the order used for a client without a preference. */
export const CONTENT_ENCODINGS: ContentEncoding[] = ['br', 'gzip']
/** Smaller answers are not compressed, because they fit into one packet either way. In bytes. */
export const MIN_COMPRESSED_BYTES = 1024

/** Browsers send only a few different values of `Accept-Encoding`. */
const MAX_KNOWN_VALUES = 100
const preferences = new LRUCache<string, { readonly encoding: ContentEncoding | null }>({ max: MAX_KNOWN_VALUES })

/** The encoding in which to send this body to a client with this `Accept-Encoding`; null: uncompressed. */
export function encodingFor(acceptEncoding: string | undefined, body: string | Buffer): ContentEncoding | null {
  return acceptEncoding === undefined || isSmall(body) ? null : preferredEncoding(acceptEncoding)
}

/** The encoding that a client prefers by its `Accept-Encoding`; null: none. */
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

/** Quality 5 takes 2 ms for 100 KB, once per entry; 11 would make it a tenth smaller, but take 150 ms. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }

const compress = {
  br: (body: string | Buffer) => promisify(brotliCompress)(body, BROTLI),
  gzip: (body: string | Buffer) => promisify(gzip)(body)
} satisfies Record<ContentEncoding, unknown>

type Compressed = Partial<Record<ContentEncoding, Buffer | Promise<Buffer>>>
const compressed = new WeakMap<object, Compressed>()

/**
 * The compressed body that belongs to `owner`: compressed once for each encoding, on another thread, and kept as long
 * as `owner` is. Returns a promise while the compression is under way.
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
  // After a failure, the next client tries again.
  making.catch(() => delete forms[encoding])
  return making
}
