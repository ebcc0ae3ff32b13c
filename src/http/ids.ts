import { Type } from 'typebox'

/** An integer id in a path or a body. */
export const Id = Type.Integer({ minimum: 1, maximum: 2_147_483_647 })

/** A time in an answer: ISO 8601, UTC. */
export const Time = Type.String({ format: 'date-time' })
