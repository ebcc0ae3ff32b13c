import proxyAddr from '@fastify/proxy-addr'
import { trustedProxies } from '#limits/client-address.ts'

type IsTrusted = Exclude<ReturnType<typeof trustedProxies>, string[] | false>

/**
 * A function that tells whether an address, at this number of hops, is a proxy trusted by `TRUST_PROXY`; false if none
 * is.
 */
export function proxyTrust(setting: boolean | number | string): IsTrusted | false {
  const trusted = trustedProxies(setting)
  return Array.isArray(trusted) ? proxyAddr.compile(trusted) : trusted
}
