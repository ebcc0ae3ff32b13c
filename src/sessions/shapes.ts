import { type Static, Type } from 'typebox'
import { Id, Time } from '#http/ids.ts'
import { pageOf, pageQuery, queryOf } from '#http/paging.ts'
import { line } from '#http/text.ts'

export const ListedSession = Type.Object(
  {
    id: Type.Integer(),
    device: Type.String({ description: 'the browser and system that the client named when the session began' }),
    network: Type.String({ description: 'the network where the session began: /24 for IPv4, /48 for IPv6' }),
    begunAt: Time,
    lastUsedAt: Type.String({ format: 'date-time', description: 'exact to five minutes' }),
    current: Type.Boolean({ description: 'whether it is the session of this request' })
  },
  { title: 'Session' }
)
export const SessionList = Type.Object({ items: Type.Array(ListedSession) }, { title: 'SessionList' })

/** For admins, who also see whose session it is. */
const AdminSession = Type.Object({
  ...ListedSession.properties,
  user: Type.Object({ id: Type.Integer(), name: Type.String(), email: Type.String() })
})
export const AdminSessionPage = pageOf(AdminSession, 'AdminSessionPage')
export const AdminSessionQuery = queryOf({
  ...pageQuery,
  search: Type.Optional(line(100, 'a part of the name or the e-mail address; case is ignored'))
})
export const SessionParams = Type.Object({ id: Id })

export type ListedSession = Static<typeof ListedSession>
export type AdminSession = Static<typeof AdminSession>
export type AdminSessionQuery = Static<typeof AdminSessionQuery>
