import { domainToASCII, domainToUnicode } from 'node:url'
import { ApiError } from '#http/errors.ts'
import { CONTROL, HALF } from '#http/text.ts'

/**
 * Characters refused in addresses. Those with a meaning in mail headers (RFC 5322) would make one text several
 * mailboxes, or several one.
 */
const EXCLUDED = `@\\s${CONTROL}${HALF}<>()\\[\\],;:\\\\"`
/** An address as it is typed, with a domain in any script. */
export const ADDRESS_PATTERN = `^[^${EXCLUDED}]+@[^${EXCLUDED}]+\\.[^${EXCLUDED}]+$`
/** The domain of a stored address. */
const PLAIN_DOMAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/
const PLAIN_LOCAL = new RegExp(`^[^${EXCLUDED}]+@$`, 'u')
export const MAX_ADDRESS = 254
/** A domain in any script. `domainToASCII` parses anything else like a URL, and would keep only a part of it. */
const NAMES = /^[\p{L}\p{M}\p{N}._-]+$/u

/** The canonical form of an address: lower case, with the domain in ASCII, so that a mailbox has only one. */
export function normalize(email: string): string {
  const text = folded(email)
  const { local, domain } = split(text)
  const isAscii = PLAIN_DOMAIN.test(domain)
  const ascii = isAscii || !NAMES.test(domain) ? domain : domainToASCII(domain)
  return ascii === '' ? text : local + ascii
}

/**
 * The forms in which the address of an account may be stored, likeliest first: earlier versions stored domains as
 * typed.
 */
export function storedForms(email: string): string[] {
  const address = normalize(email)
  const { local, domain } = split(address)
  const unicode = PLAIN_DOMAIN.test(domain) ? domainToUnicode(domain) : ''
  return [...new Set([folded(email), address, ...(unicode === '' ? [] : [local + unicode])])]
}

/** Whether mail can be sent to this normalized address, and reaches only this one. */
export function isMailable(address: string): boolean {
  const { local, domain } = split(address)
  return address.length <= MAX_ADDRESS && PLAIN_LOCAL.test(local) && PLAIN_DOMAIN.test(domain)
}

/** Normalizes the address of a new or changed account. Throws 400 if the result is not a valid address. */
export function newAddress(email: string): string {
  const address = normalize(email)
  if (isMailable(address)) return address
  throw new ApiError(400, 'VALIDATION_FAILED', 'email is not an e-mail address')
}

function folded(email: string): string {
  return email.normalize('NFKC').toLowerCase()
}

/** The `@` is part of `local`. */
function split(address: string): { local: string; domain: string } {
  const at = address.lastIndexOf('@') + 1
  return { local: address.slice(0, at), domain: address.slice(at) }
}
