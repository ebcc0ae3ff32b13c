import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import type { Actor } from './catalogue.ts'

export interface LockedCourse {
  readonly author_id: number
  readonly status: 'draft' | 'published'
}

/**
 * Locks a course for the rest of the transaction, so that writes to a course and its parts are serialized. Throws
 * `NotFoundError` if the actor may not see the course, and 403 if it belongs to somebody else. In these cases nothing
 * is locked, so that nobody can block a course with forbidden requests.
 */
export async function lockCourse(tx: Transaction, actor: Actor, id: number): Promise<LockedCourse> {
  await requireOwnCourse(tx, actor, id)
  return read(tx, actor, id, Prisma.sql`for update`)
}

/** Throws the same errors, but takes no lock. */
export async function requireOwnCourse(tx: Transaction, actor: Actor, id: number): Promise<void> {
  await read(tx, actor, id, Prisma.empty)
}

async function read(tx: Transaction, actor: Actor, id: number, lock: Prisma.Sql): Promise<LockedCourse> {
  const [course] = await tx.$queryRaw<LockedCourse[]>`select author_id, status from course where id = ${id} ${lock}`
  if (course !== undefined && (course.author_id === actor.id || actor.role === 'admin')) return course
  if (course === undefined || course.status === 'draft') throw new NotFoundError('course')
  throw new ApiError(403, 'NOT_YOURS', 'only the author of the course and admins may do this')
}
