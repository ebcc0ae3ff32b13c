import { Address6 } from 'ip-address'
import { LRUCache } from 'lru-cache'

const MAX_KEPT = 10_000
/** A client of IPv6 has a network of so many bits to itself, and as many addresses as it likes. */
const NETWORK_BITS = 64

const kept = new LRUCache<string, string>({ max: MAX_KEPT })

/** What stands for a client: its IPv4 address, or the network of its IPv6 address. */
export function clientAddress(ip: string): string {
  if (!ip.includes(':')) return ip
  const known = kept.get(ip)
  if (known !== undefined) return known
  const address = new Address6(ip)
  const client = address.isMapped4()
    ? address.to4().correctForm()
    : new Address6(`${ip}/${NETWORK_BITS}`).startAddress().correctForm()
  kept.set(ip, client)
  return client
}
