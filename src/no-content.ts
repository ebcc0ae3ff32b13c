import { Type } from 'typebox'

/** The answer 204: it is done, and there is nothing to say. */
export const NoContent = Type.Null({ description: 'done' })
