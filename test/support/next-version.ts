import type { Replacement } from './repository-copy.ts'

/** The additional fields of the next version: a required one of a course, and one of an account. */
export const NEXT_VERSION: readonly Replacement[] = [
  {
    file: 'src/courses/shapes.ts',
    text: 'export const Course = Type.Object(\n  {',
    becomes: 'export const Course = Type.Object({ length: Type.Integer(),'
  },
  {
    file: 'src/courses/catalogue.ts',
    text: 'description: row.description,',
    becomes: 'length: row.description.length, description: row.description,'
  },
  {
    file: 'src/users/shapes.ts',
    text: 'export const OwnUser = Type.Object(\n  {',
    becomes: 'export const OwnUser = Type.Object({ greeting: Type.String(),'
  },
  {
    file: 'src/users/accounts.ts',
    text: 'emailVerified: emailVerifiedAt !== null, createdAt: createdAt.toISOString() }',
    becomes:
      "emailVerified: emailVerifiedAt !== null, createdAt: createdAt.toISOString(), greeting: 'Hello ' + row.name }"
  },
  {
    file: 'src/users/accounts.ts',
    text: 'return { id, email, emailVerified, name, bio, avatarUrl, role, createdAt }',
    becomes: "return { id, email, emailVerified, name, bio, avatarUrl, role, createdAt, greeting: 'Hello ' + name }"
  }
]
