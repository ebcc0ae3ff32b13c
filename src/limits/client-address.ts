/** The longest key for a value that is not an address at all, in characters. */
const MAX_LENGTH = 64
/** The key of clients that hung up before they were counted: their sockets no longer have an address. */
const GONE = 'gone'

const IPV4_WITH_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/
const IN_BRACKETS = /^\[([^\]]*)\](?::\d{1,5})?$/
const ZONE = /%.*$/s

/** Strips what proxies add to an address in X-Forwarded-For: a port, brackets, a zone. The length is bounded. */
export function bareAddress(given: string | undefined): string {
  if (given === undefined) return GONE
  const bare = (IPV4_WITH_PORT.exec(given) ?? IN_BRACKETS.exec(given))?.[1] ?? given
  return bare.replace(ZONE, '').slice(0, MAX_LENGTH)
}

type Trust = (address: string, hops: number) => boolean

/** `TRUST_PROXY` in a form that both Fastify and proxy-addr accept: proxy-addr does not take a number of proxies. */
export function trustedProxies(setting: boolean | number | string): string[] | Trust | false {
  if (typeof setting === 'boolean') return setting && (() => true)
  if (typeof setting === 'number') return (_address, hops) => hops < setting
  return setting.split(',').map((network) => network.trim())
}
