import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** The prefix of every token, by which people and secret scanners recognize it. */
const PREFIX = 'aka_'
const SECRET_BYTES = 32
/** The number of base-62 digits for 256 bits, and for 32 bits. */
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE = BigInt(DIGITS.length)
const TOKEN = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`)
/** How much of a token is shown: with four random characters, about 230 bits stay unknown. */
const SHOWN_LENGTH = PREFIX.length + 4

/**
 * A new token: the prefix, 256 random bits, and the CRC-32 of both. It is one word, so that a double click selects all
 * of it.
 */
export function newToken(): string {
  const secret = BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`)
  const body = PREFIX + base62(secret, SECRET_LENGTH)
  return body + checksumOf(body)
}

/** Whether a text may be a token. The checksum rejects typos without a database query. */
export function isToken(text: string): boolean {
  return TOKEN.test(text) && text.endsWith(checksumOf(text.slice(0, -CHECKSUM_LENGTH)))
}

/** The hash of a token that is stored. A fast hash is enough: 256 random bits cannot be guessed by brute force. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** The beginning of a token, by which its owner recognizes it. */
export function shownPart(token: string): string {
  return token.slice(0, SHOWN_LENGTH)
}

function checksumOf(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM_LENGTH)
}

function base62(number: bigint, length: number): string {
  let text = ''
  for (let rest = number; text.length < length; rest /= BASE) text = DIGITS.charAt(Number(rest % BASE)) + text
  return text
}
