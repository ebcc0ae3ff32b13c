/** The parts of a `REDIS_URL`. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** The server, the sentinels, or some nodes of the cluster. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  /** The name by which the sentinels know the master. */
  readonly master: string | undefined
  readonly sentinelPassword: string | undefined
  /** Null without TLS. Otherwise the paths of PEM files, if given. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null
}

export const REDIS_URL_FORMS =
  'redis://, rediss://, redis+sentinel://host:port,host:port/name/db, redis+cluster://host:port,host:port'

const URL_FORM =
  /^(?<scheme>rediss?(?:\+(?:sentinel|cluster))?):\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<hosts>[^/?#]+)(?<path>(?:\/[^?#]*)?)(?:\?(?<query>[^#]*))?$/
const PASSWORDLESS = /^(?<scheme>[^:]+:\/\/)(?:(?<user>[^:@/?#]*):?@)?(?<server>.*)$/s
const HOST = /^(?<host>\[[0-9a-fA-F:.]+\]|[^\s:[\]]+)(?::(?<port>\d{1,5}))?$/
const TLS_FILES = new Set(['ca', 'cert', 'key'])
const DEFAULT_PORTS = { single: 6379, cluster: 6379, sentinel: 26379 }

/**
 * Parses a URL in one of the `REDIS_URL_FORMS`; null for anything else. `rediss`, `rediss+sentinel` and
 * `rediss+cluster` use TLS, with the paths of PEM files in `?ca=`, `cert=` and `key=`.
 */
export function parseRedisUrl(url: string): RedisAddress | null {
  const { scheme = '', user, password, hosts = '', path = '', query = '' } = URL_FORM.exec(url)?.groups ?? {}
  const [protocol, topology = 'single'] = scheme.split('+')
  if (topology !== 'single' && topology !== 'sentinel' && topology !== 'cluster') return null
  const parsed = hosts.split(',').map((host) => parseHost(host, DEFAULT_PORTS[topology]))
  const known = parsed.filter((host) => host !== null)
  if (protocol === '' || known.length < parsed.length || (topology === 'single' && known.length !== 1)) return null

  const parts = path.split('/').slice(1)
  const master = topology === 'sentinel' ? parts.shift() : undefined
  const [db = '', ...rest] = parts
  if (topology === 'sentinel' && !master) return null
  if (rest.length > 0 || !/^\d{0,4}$/.test(db) || (topology === 'cluster' && db !== '' && db !== '0')) return null

  const parameters = new URLSearchParams(query)
  const sentinelPassword = parameters.get('sentinelPassword') ?? undefined
  parameters.delete('sentinelPassword')
  for (const name of parameters.keys()) if (!TLS_FILES.has(name) || protocol !== 'rediss') return null
  return {
    kind: topology,
    hosts: known,
    username: decode(user),
    password: decode(password),
    db: Number(db),
    master: decode(master),
    sentinelPassword,
    tls: protocol === 'rediss' ? Object.fromEntries(parameters) : null
  }
}

/** Adds a password to a URL that has none. It is the password of the servers, not of the sentinels. */
export function withPassword(url: string, password: string | null): string {
  const address = parseRedisUrl(url)
  if (password === null || address === null || address.password !== undefined) return url
  const { scheme = '', user = '', server = '' } = PASSWORDLESS.exec(url)?.groups ?? {}
  return `${scheme}${user}:${encodeURIComponent(password)}@${server}`
}

function parseHost(text: string, defaultPort: number): { host: string; port: number } | null {
  const { host, port = String(defaultPort) } = HOST.exec(text)?.groups ?? {}
  if (host === undefined || Number(port) > 65_535) return null
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function decode(text: string | undefined): string | undefined {
  if (!text) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
