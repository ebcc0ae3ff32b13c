import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import type { Actor } from './catalogue.ts'

export interface LockedCourse {
  readonly author_id: number
  readonly status: 'draft' | 'published'
}

/**
 * Locks a course for the rest of the transaction, for one who may change it: all writes to a course and its parts
 * take turns. Throws `NotFoundError` for a course the actor may not see, and 403 for one that is not his: then nothing is locked, so that
 * nobody holds up a course by what he may not do.
 */
export async function lockCourse(tx: Transaction, actor: Actor, id: number): Promise<LockedCourse> {
  await requireOwnCourse(tx, actor, id)
  return read(tx, actor, id, Prisma.sql`for update`)
}

/** The same errors, and no lock. */
export async function requireOwnCourse(tx: Transaction, actor: Actor, id: number): Promise<void> {
  await read(tx, actor, id, Prisma.empty)
}

async function read(tx: Transaction, actor: Actor, id: number, lock: Prisma.Sql): Promise<LockedCourse> {
  const [course] = await tx.$queryRaw<LockedCourse[]>`select author_id, status from course where id = ${id} ${lock}`
  if (course !== undefined && (course.author_id === actor.id || actor.role === 'admin')) return course
  if (course === undefined || course.status === 'draft') throw new NotFoundError('course')
  throw new ApiError(403, 'NOT_YOURS', 'only the author of the course and admins may do this')
}
