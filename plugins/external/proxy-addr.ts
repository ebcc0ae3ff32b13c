import proxyAddr from '@fastify/proxy-addr'
import { trustedProxies } from '#limits/client-address.ts'

type IsTrusted = Exclude<ReturnType<typeof trustedProxies>, string[] | false>

/** Whether an address, so many hops away, is a proxy that `TRUST_PROXY` names; false where none is trusted. */
export function proxyTrust(setting: boolean | number | string): IsTrusted | false {
  const trusted = trustedProxies(setting)
  return Array.isArray(trusted) ? proxyAddr.compile(trusted) : trusted
}
