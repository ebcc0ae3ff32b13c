import { Type } from 'typebox'
import { namedEtag } from '#cache'
import { ApiError } from '#http/errors.ts'

/** The header that says which version the client has read. */
export const ifMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description:
        'the ETag of the version to change; for a module or chapter, also that of its course or of the list of modules. 412 if the ' +
        'resource has changed'
    })
  )
})

/**
 * The condition of `If-Match`: nobody has written since the client read. `etagOf` computes the entity tag of the
 * current value.
 */
export interface Precondition<T> {
  readonly ifMatch: string | undefined
  readonly etagOf: (current: T) => string
}

/**
 * Throws 412 if the header is present and names neither the current entity tag nor that of an enclosing resource,
 * through which the client may have read this one. Call it while holding the lock.
 */
export async function requireMatch<T>(
  { ifMatch, etagOf }: Precondition<T>,
  current: () => Promise<T>,
  ...enclosingEtags: (() => Promise<string>)[]
): Promise<void> {
  if (ifMatch === undefined || namedEtag(ifMatch, etagOf(await current())) !== null) return
  for (const enclosingEtag of enclosingEtags) if (namedEtag(ifMatch, await enclosingEtag()) !== null) return
  throw new ApiError(412, 'CHANGED_MEANWHILE', 'somebody else wrote first: read it again, then repeat the change')
}
