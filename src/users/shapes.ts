import { type Static, Type } from 'typebox'
import { Id, Time } from '#http/ids.ts'
import { pageOf, pageQuery, queryOf } from '#http/paging.ts'
import { block, CONTROL, HALF, line } from '#http/text.ts'
import { ADDRESS_PATTERN, MAX_ADDRESS } from '#mail/address.ts'

export const Role = Type.Enum(['student', 'author', 'admin'], { title: 'Role', type: 'string' })

const publicUser = {
  id: Type.Integer(),
  name: Type.String(),
  bio: Type.String(),
  avatarUrl: Type.Union([Type.String(), Type.Null()]),
  createdAt: Time
}

export const User = Type.Object(publicUser, { title: 'User' })
/** An account as its user and admins see it. */
export const OwnUser = Type.Object(
  { ...publicUser, email: Type.String(), emailVerified: Type.Boolean(), role: Role },
  { title: 'OwnUser' }
)
/** The signed-in user, with the epoch that valid sessions must carry. */
export const Account = Type.Object({ ...OwnUser.properties, sessionEpoch: Type.Integer() })
/** The same, with the row ids of the user's valid sessions. */
export const AccountWithSessions = Type.Object({ ...Account.properties, sessions: Type.Array(Type.Integer()) })
export const UserPage = pageOf(OwnUser, 'UserPage')
export const SessionUser = Type.Object({ user: OwnUser }, { title: 'SessionUser' })

/** Characters that neither e-mail addresses nor URLs contain. */
const excluded = `\\s${CONTROL}${HALF}`
const addressPart = `[^@${excluded}]+`

/** The address of an existing account: earlier versions accepted more than `NewEmail` does. */
const Email = Type.String({
  maxLength: MAX_ADDRESS,
  pattern: `^${addressPart}@${addressPart}\\.${addressPart}$`
})
const NewEmail = Type.String({ maxLength: MAX_ADDRESS, pattern: ADDRESS_PATTERN })
/**
 * argon2 takes any length; the bound keeps a request from costing more than a login. Lone surrogates are refused
 * because they would all be hashed alike.
 */
const newPassword = Type.String({ minLength: 10, maxLength: 200, pattern: `^[^${HALF}]*$` })
const password = Type.String({ minLength: 1, maxLength: 200 })

export const Registration = Type.Object(
  { email: NewEmail, password: newPassword, name: line(100) },
  { title: 'Registration', additionalProperties: false }
)
export const Credentials = Type.Object(
  { email: Email, password },
  { title: 'Credentials', additionalProperties: false }
)
export const PasswordChange = Type.Object(
  { current: password, next: newPassword },
  { title: 'PasswordChange', additionalProperties: false }
)

/** The token in a letter: 256 random bits. */
const letterToken = line(100)

export const ForgottenPassword = Type.Object(
  { email: Email },
  { title: 'ForgottenPassword', additionalProperties: false }
)
export const PasswordReset = Type.Object(
  { token: letterToken, password: newPassword },
  { title: 'PasswordReset', additionalProperties: false }
)
export const EmailChange = Type.Object(
  { email: NewEmail, password },
  { title: 'EmailChange', additionalProperties: false }
)
export const AccountRemoval = Type.Object({ password }, { title: 'AccountRemoval', additionalProperties: false })
export const LetterToken = Type.Object({ token: letterToken }, { title: 'LetterToken', additionalProperties: false })

export const ProfileChange = Type.Object(
  {
    name: Type.Optional(line(100)),
    bio: Type.Optional(block(2000)),
    avatarUrl: Type.Optional(
      Type.Union([Type.String({ maxLength: 500, pattern: `^https?://[^${excluded}]+$` }), Type.Null()])
    )
  },
  { title: 'ProfileChange', additionalProperties: false, minProperties: 1 }
)
export const RoleChange = Type.Object({ role: Role }, { title: 'RoleChange', additionalProperties: false })

export const UserParams = Type.Object({ id: Id })
export const UserQuery = queryOf({
  ...pageQuery,
  search: Type.Optional(line(100, 'a part of the name or the e-mail address; case is ignored')),
  role: Type.Optional(Role)
})

export type User = Static<typeof User>
export type OwnUser = Static<typeof OwnUser>
export type Account = Static<typeof Account>
export type AccountWithSessions = Static<typeof AccountWithSessions>
export type Registration = Static<typeof Registration>
export type Credentials = Static<typeof Credentials>
export type PasswordChange = Static<typeof PasswordChange>
export type PasswordReset = Static<typeof PasswordReset>
export type EmailChange = Static<typeof EmailChange>
export type ProfileChange = Static<typeof ProfileChange>
export type UserQuery = Static<typeof UserQuery>
