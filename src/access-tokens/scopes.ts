import { Type } from 'typebox'

const SCOPES = ['read', 'write', 'generate', 'admin'] as const

/** What a token may be used for, at most: it may never do more than its user. */
export type AccessScope = (typeof SCOPES)[number]

export const Scope = Type.Enum([...SCOPES], {
  title: 'AccessScope',
  type: 'string',
  description:
    'read: whatever the user may read · write: changes · generate: have courses written, which costs money · ' +
    'admin: what only admins may do'
})

/** Of a token for which nobody has named any: what an ordinary client does. It spends no money, and is no admin. */
export const DEFAULT_SCOPES: readonly AccessScope[] = ['read', 'write']

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The scope that an operation asks of a token. */
export function scopeOf(method: string, route: { readonly role?: 'admin'; readonly scope?: AccessScope }): AccessScope {
  if (route.role === 'admin') return 'admin'
  return READS.has(method) ? 'read' : (route.scope ?? 'write')
}

/** The scopes of a row; what this version does not know gives nothing. */
export function knownScopes(names: readonly string[]): AccessScope[] {
  return SCOPES.filter((scope) => names.includes(scope))
}
