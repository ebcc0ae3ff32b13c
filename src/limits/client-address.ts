import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import { Address6 } from 'ip-address'
import { LRUCache } from 'lru-cache'

const MAX_KEPT = 10_000
/** A client of IPv6 has a network of so many bits to itself, and as many addresses as it likes. */
const NETWORK_BITS = 64
/** Of what is no address at all so much is told apart. */
const MAX_TEXT = 64

/** What proxies write for an address: with brackets, a port, a zone. */
const IPV4_WITH_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/
const BRACKETS = /^\[([^\]]*)\](?::\d{1,5})?$/
const ZONE = /%.*$/s

type Trust = (address: string, hops: number) => boolean

/** Which of the proxies that a request names are believed, as `TRUST_PROXY` says it; false for none. */
export function trustedProxies(setting: boolean | number | string): Trust | false {
  if (typeof setting === 'boolean') return setting && (() => true)
  if (typeof setting === 'number') return (_address, hops) => hops < setting
  return proxyAddr.compile(setting.split(',').map((network) => network.trim()))
}

/** Where a request comes from, by the word of trusted proxies too; undefined when its client has hung up. */
export function remoteAddress(request: IncomingMessage, trust: Trust | false): string | undefined {
  return trust === false ? request.socket.remoteAddress : proxyAddr(request, trust)
}

const kept = new LRUCache<string, string>({ max: MAX_KEPT })

/** What stands for a client: its IPv4 address, or the network of its IPv6 address. Any other text stands for itself. */
export function clientAddress(given: string): string {
  if (!given.includes(':')) return textOf(given)
  const text = (IPV4_WITH_PORT.exec(given) ?? BRACKETS.exec(given))?.[1] ?? given
  const ip = text.replace(ZONE, '')
  // Short from here on, so that what is kept is, too.
  return isIPv6(ip) ? networkOf(ip) : textOf(ip)
}

function networkOf(ip: string): string {
  const known = kept.get(ip)
  if (known !== undefined) return known
  const address = new Address6(ip)
  const client = address.isMapped4()
    ? address.to4().correctForm()
    : new Address6(`${ip}/${NETWORK_BITS}`).startAddress().correctForm()
  kept.set(ip, client)
  return client
}

function textOf(text: string): string {
  return text.slice(0, MAX_TEXT).toLowerCase()
}
