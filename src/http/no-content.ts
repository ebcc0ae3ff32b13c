import { Type } from 'typebox'

/** The answer 204: success without a body. */
export const NoContent = Type.Null({ description: 'done' })

/** The answer 304: the client's copy is current. */
export const NotModified = Type.Null({ description: 'not modified' })

/** The answer 301: the resource has moved. */
export const Moved = Type.Null({ description: 'moved' })

/** The answer 202 for work without a status to poll. */
export const Accepted = Type.Unsafe<undefined>({ type: 'null', description: 'accepted' })
