/** Whatever is no address at all is told apart by so many characters. */
const MAX_LENGTH = 64
/** The key of clients that have hung up before they were counted: their sockets have no address any more. */
const GONE = 'gone'

const IPV4_WITH_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/
const IN_BRACKETS = /^\[([^\]]*)\](?::\d{1,5})?$/
const ZONE = /%.*$/s

/** An address without what proxies write around it in X-Forwarded-For: a port, brackets, a zone. The length is bounded. */
export function bareAddress(given: string | undefined): string {
  if (given === undefined) return GONE
  const bare = (IPV4_WITH_PORT.exec(given) ?? IN_BRACKETS.exec(given))?.[1] ?? given
  return bare.replace(ZONE, '').slice(0, MAX_LENGTH)
}

type Trust = (address: string, hops: number) => boolean

/** `TRUST_PROXY` as Fastify and proxy-addr both take it: Fastify itself trusts no number of proxies. */
export function trustedProxies(setting: boolean | number | string): string[] | Trust | false {
  if (typeof setting === 'boolean') return setting && (() => true)
  if (typeof setting === 'number') return (_address, hops) => hops < setting
  return setting.split(',').map((network) => network.trim())
}
