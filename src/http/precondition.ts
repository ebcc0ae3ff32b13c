import { Type } from 'typebox'
import { namedEtag } from '#cache'
import { ApiError } from '#http/errors.ts'

/** The header by which a client says which version it has read. */
export const ifMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description:
        'the ETag of the version that is to be changed, for a module or chapter also that of its course or of the list of modules; 412 ' +
        'when it is another'
    })
  )
})

/** What `If-Match` asks: that nobody has written since the client read. `etagOf` is the entity tag of what is there now. */
export interface Precondition<T> {
  readonly ifMatch: string | undefined
  readonly etagOf: (current: T) => string
}

/**
 * Throws 412 when the header is there and names neither the current entity tag nor one of the wholes that this is a part of, of which the
 * client may have read it. Call it under the lock.
 */
export async function requireMatch<T>(
  { ifMatch, etagOf }: Precondition<T>,
  current: () => Promise<T>,
  ...etagsOfWholes: (() => Promise<string>)[]
): Promise<void> {
  if (ifMatch === undefined || namedEtag(ifMatch, etagOf(await current())) !== null) return
  for (const etagOfWhole of etagsOfWholes) if (namedEtag(ifMatch, await etagOfWhole()) !== null) return
  throw new ApiError(412, 'CHANGED_MEANWHILE', 'somebody else wrote first: read it again, then repeat the change')
}
