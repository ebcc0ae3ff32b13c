import { type Static, Type } from 'typebox'
import { Id, Time } from '#http/ids.ts'
import { line } from '#http/text.ts'
import { DEFAULT_SCOPES, Scope } from './scopes.ts'

/** Long enough to try out a script; a token that is needed for longer has to say so. */
const DEFAULT_DAYS = 30
/** A forgotten token becomes useless after a year. */
const MAX_DAYS = 365

export const NewAccessToken = Type.Object(
  {
    name: line(100, 'what the token is for'),
    expiresInDays: Type.Integer({ minimum: 1, maximum: MAX_DAYS, default: DEFAULT_DAYS }),
    scopes: Type.Array(Scope, { minItems: 1, uniqueItems: true, default: [...DEFAULT_SCOPES] })
  },
  { title: 'NewAccessToken', additionalProperties: false, required: ['name'] }
)

const accessToken = {
  id: Type.Integer(),
  name: Type.String(),
  prefix: Type.String({ description: 'the beginning of the token' }),
  scopes: Type.Array(Scope),
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Type.Union([Time, Type.Null()], { description: 'accurate to one minute' })
}

export const AccessToken = Type.Object(accessToken, { title: 'AccessToken' })
export const AccessTokenList = Type.Object({ items: Type.Array(AccessToken) }, { title: 'AccessTokenList' })
export const MadeAccessToken = Type.Object(
  { ...accessToken, token: Type.String({ description: 'shown only once: it cannot be read again' }) },
  { title: 'MadeAccessToken' }
)
export const AccessTokenParams = Type.Object({ id: Id })

export type NewAccessToken = Static<typeof NewAccessToken>
export type AccessToken = Static<typeof AccessToken>
export type MadeAccessToken = Static<typeof MadeAccessToken>
