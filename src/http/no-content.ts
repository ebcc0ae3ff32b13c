import { Type } from 'typebox'

/** The answer 204: it is done, and there is nothing to say. */
export const NoContent = Type.Null({ description: 'done' })

/** The answer 304: what the client has is still right. */
export const NotModified = Type.Null({ description: 'not modified' })

/** The answer 301: it is somewhere else now. */
export const Moved = Type.Null({ description: 'moved' })

/** The answer 202 where there is nothing that a client could look at meanwhile. */
export const Accepted = Type.Unsafe<undefined>({ type: 'null', description: 'it will be done' })
