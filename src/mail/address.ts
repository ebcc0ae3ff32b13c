import { domainToASCII, domainToUnicode } from 'node:url'
import { ApiError } from '#http/errors.ts'
import { CONTROL, HALF } from '#http/text.ts'

/** What no address has: with a sign that has a meaning in the head of a letter (RFC 5322) several texts would be one mailbox, or one several. */
const ELSEWHERE = `@\\s${CONTROL}${HALF}<>()\\[\\],;:\\\\"`
/** Of an address as it is typed, its domain in any script. */
export const ADDRESS_PATTERN = `^[^${ELSEWHERE}]+@[^${ELSEWHERE}]+\\.[^${ELSEWHERE}]+$`
/** Of one as it is stored. */
const PLAIN_DOMAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/
const PLAIN_LOCAL = new RegExp(`^[^${ELSEWHERE}]+@$`, 'u')
export const MAX_ADDRESS = 254
/** Only what is a name in some script: of anything else, `domainToASCII` would read a part, as a URL. */
const NAMES = /^[\p{L}\p{M}\p{N}._-]+$/u

/** The one form of an address: lower case, its domain in ASCII, so that two of one mailbox are the same. */
export function normalize(email: string): string {
  const text = folded(email)
  const { local, domain } = split(text)
  const isAscii = PLAIN_DOMAIN.test(domain)
  const ascii = isAscii || !NAMES.test(domain) ? domain : domainToASCII(domain)
  return ascii === '' ? text : local + ascii
}

/** The forms in which the address of an account may be stored, the likeliest first: earlier versions kept domains as they were typed. */
export function storedForms(email: string): string[] {
  const address = normalize(email)
  const { local, domain } = split(address)
  const unicode = PLAIN_DOMAIN.test(domain) ? domainToUnicode(domain) : ''
  return [...new Set([folded(email), address, ...(unicode === '' ? [] : [local + unicode])])]
}

/** Whether letters can be sent to this normalized address, and reach it alone. */
export function isMailable(address: string): boolean {
  const { local, domain } = split(address)
  return address.length <= MAX_ADDRESS && PLAIN_LOCAL.test(local) && PLAIN_DOMAIN.test(domain)
}

/** The form of an address that an account is to have. Throws 400 for what is none once it is normalized. */
export function newAddress(email: string): string {
  const address = normalize(email)
  if (isMailable(address)) return address
  throw new ApiError(400, 'VALIDATION_FAILED', 'email is not an e-mail address')
}

function folded(email: string): string {
  return email.normalize('NFKC').toLowerCase()
}

/** The `@` is part of the first. */
function split(address: string): { local: string; domain: string } {
  const at = address.lastIndexOf('@') + 1
  return { local: address.slice(0, at), domain: address.slice(at) }
}
