import { Type } from 'typebox'

/** The answer 204: it is done, and there is nothing to say. */
export const NoContent = Type.Null({ description: 'done' })

/** The answer 304: what the client has is still right. */
export const NotModified = Type.Null({ description: 'not modified' })

/** The answer 301: it is somewhere else now. */
export const Moved = Type.Null({ description: 'moved' })
