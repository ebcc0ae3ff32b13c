import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

export type ContentEncoding = 'br' | 'gzip'

/** In the order in which they are chosen from by a client that has no preference. */
export const CONTENT_ENCODINGS: ContentEncoding[] = ['br', 'gzip']
/** Answers below are not compressed: they are one packet either way. In bytes. */
export const MIN_COMPRESSED_BYTES = 1024

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
