import { type Static, Type } from 'typebox'
import { Id, Time } from '#http/ids.ts'

export const ListedSession = Type.Object(
  {
    id: Type.Integer(),
    device: Type.String({ description: 'browser and system, as they called themselves when it began' }),
    network: Type.String({ description: 'where it began: /24 of IPv4, /48 of IPv6' }),
    begunAt: Time,
    lastUsedAt: Type.String({ format: 'date-time', description: 'within five minutes' }),
    current: Type.Boolean({ description: 'it is the session of this request' })
  },
  { title: 'Session' }
)
export const SessionList = Type.Object({ items: Type.Array(ListedSession) }, { title: 'SessionList' })
export const SessionParams = Type.Object({ id: Id })

export type ListedSession = Static<typeof ListedSession>
