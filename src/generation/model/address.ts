const OPENAI = 'https://api.openai.com/v1'
const CHAT = '/chat/completions'

/** The URLs at which a server may complete chats, and the headers that authenticate the client. */
export interface Address {
  /** In the order in which they are tried: as given, then with `/v1` added or removed. */
  readonly urls: readonly URL[]
  readonly headers: Readonly<Record<string, string>>
  /** Strings that must not appear in a log. */
  readonly secrets: readonly string[]
}

/** A null `baseUrl` means OpenAI; a null `apiKey`, a server without authentication. */
export function addressOf(baseUrl: string | null, apiKey: string | null): Address {
  const base = new URL(baseUrl ?? OPENAI)
  const [name, password] = [decodeURIComponent(base.username), decodeURIComponent(base.password)]
  base.username = ''
  base.password = ''
  const path = base.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')
  const other = path.endsWith('/v1') ? path.slice(0, -'/v1'.length) : `${path}/v1`
  const urls = [path, other].map((path) => {
    const url = new URL(base)
    url.pathname = `${path}${CHAT}`
    return url
  })
  // Some servers take the key in the query. Both the raw and the decoded value are secret; an API version is not.
  const query = [...base.searchParams].filter(([name]) => !/version/i.test(name)).map(([, value]) => value)
  const raw = [...base.search.matchAll(/[?&]([^=&]*)=([^&]*)/g)].filter(([, name = '']) => !/version/i.test(name))
  const secrets = [
    apiKey ?? '',
    password,
    password && `${name}:${password}`,
    ...query,
    ...raw.map(([, , value = '']) => value)
  ].filter((secret) => secret !== '')
  return {
    urls,
    secrets,
    headers: {
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      ...authorization(base, apiKey, name, password)
    }
  }
}

function authorization(
  { hostname }: URL,
  apiKey: string | null,
  name: string,
  password: string
): Record<string, string> {
  // Azure would take a bearer token for one of its directory.
  if (apiKey !== null)
    return hostname.endsWith('.azure.com') ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` }
  if (name === '' && password === '') return {}
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }
}
