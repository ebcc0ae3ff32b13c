import { Type } from 'typebox'

const SCOPES = ['read', 'write', 'generate', 'admin'] as const

/** A permission of a token. A token may never do more than its user. */
export type AccessScope = (typeof SCOPES)[number]

export const Scope = Type.Enum([...SCOPES], {
  title: 'AccessScope',
  type: 'string',
  description:
    'read: whatever the user may read · write: changes · generate: generating courses, which costs money · ' +
    'admin: operations reserved for admins'
})

/**
 * The scopes of a token if none are given: enough for an ordinary client, without admin rights or generation, which
 * costs money.
 */
export const DEFAULT_SCOPES: readonly AccessScope[] = ['read', 'write']

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The scope that a token needs for an operation. */
export function scopeOf(method: string, route: { readonly role?: 'admin'; readonly scope?: AccessScope }): AccessScope {
  if (route.role === 'admin') return 'admin'
  return READS.has(method) ? 'read' : (route.scope ?? 'write')
}

/** The scopes of a row, without those that this version does not know. */
export function knownScopes(names: readonly string[]): AccessScope[] {
  return SCOPES.filter((scope) => names.includes(scope))
}
