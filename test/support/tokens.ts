import { type Static, Type } from 'typebox'
import { Actor } from './actors.ts'
import { bodyOf } from './people.ts'

/** The shapes of access tokens in the HTTP contract, written from its document. */

export const TOKENS = '/api/v1/auth/tokens'

const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' })
const exact = { additionalProperties: false }
const token = {
  id: Type.Integer({ minimum: 1 }),
  name: Type.String(),
  prefix: Type.String({ pattern: '^aka_' }),
  scopes: Type.Array(Type.Enum(['read', 'write', 'generate', 'admin'])),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: Type.Union([time, Type.Null()])
}
export const AccessTokenList = Type.Object({ items: Type.Array(Type.Object(token, exact)) }, exact)
const MadeAccessToken = Type.Object({ ...token, token: Type.String() }, exact)

/** A new token of the actor. */
export async function makeToken(
  actor: Actor,
  body: object = { name: 'script' }
): Promise<Static<typeof MadeAccessToken>> {
  return bodyOf(MadeAccessToken, await actor.request('POST', TOKENS, body), 201)
}

/** A client that sends this token with each request, and optionally a cookie. */
export function withToken(url: string, token: string, cookie = ''): Actor {
  return new Bearer(url, token, cookie)
}

class Bearer extends Actor {
  readonly #authorization: string

  constructor(url: string, token: string, cookie: string) {
    super(url, cookie)
    this.#authorization = `Bearer ${token}`
  }

  override request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    return super.request(method, path, body, { authorization: this.#authorization, ...headers })
  }
}
