import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { type Precondition, requireMatch } from '#http/precondition.ts'
import type { CategoryChange, NewCategory } from './authoring-shapes.ts'
import type { Category } from './shapes.ts'

/** How many courses are moved in one statement, each of which has its own timeout, and the timeout for all of them. */
const MOVED_AT_ONCE = 1000
const MOVE_TIMEOUT_MS = 120_000

/**
 * Writes of admins to categories. They throw `NotFoundError`, 409 if a slug is taken, and 412 if a precondition fails.
 */
export class Categories {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  create(input: NewCategory): Promise<Category> {
    return this.#write((tx) => tx.category.create({ data: input }))
  }

  change(slug: string, input: CategoryChange, precondition: Precondition<Category>): Promise<Category> {
    return this.#write(async (tx) => {
      const { id } = await requireVersion(tx, slug, precondition)
      return tx.category.update({ where: { id }, data: input })
    })
  }

  /**
   * Deletes a category, and moves its courses, including drafts, and unfinished generations to the category `moveTo`.
   * Throws 409 if it has courses and `moveTo` is missing, and 400 if `moveTo` does not exist or is the deleted category
   * itself.
   */
  async delete(slug: string, moveTo: string | undefined, precondition: Precondition<Category>): Promise<void> {
    await this.#write(
      async (tx) => {
        const { id } = await requireVersion(tx, slug, precondition)
        if (moveTo === undefined) await requireUnused(tx, id)
        else await moveAll(tx, id, await requireTarget(tx, slug, moveTo))
        await tx.category.delete({ where: { id } })
      },
      { timeout: MOVE_TIMEOUT_MS }
    )
  }

  async #write<T>(task: (tx: Transaction) => Promise<T>, options?: { timeout: number }): Promise<T> {
    try {
      return await this.#database.write(task, options)
    } catch (error) {
      if (!(error instanceof Prisma.PrismaClientKnownRequestError)) throw error
      if (error.code === 'P2025') throw new NotFoundError('category')
      if (error.code === 'P2002') throw new ApiError(409, 'SLUG_TAKEN', 'slug is taken by another category')
      throw error
    }
  }
}

/** Locks a category until the transaction ends, and checks the precondition. */
async function requireVersion(tx: Transaction, slug: string, precondition: Precondition<Category>): Promise<Category> {
  const [category] = await tx.$queryRaw<Category[]>`
    select id, slug, name, description from category where slug = ${slug} for update`
  if (category === undefined) throw new NotFoundError('category')
  await requireMatch(precondition, async () => category)
  return category
}

/** Nobody can add a course to the category meanwhile: that waits for our lock on it. */
async function requireUnused(tx: Transaction, id: number): Promise<void> {
  const used = await tx.course.count({ where: { categoryId: id } })
  if (used === 0) return
  const [courses, them] = used === 1 ? ['1 course is', 'it'] : [`${used} courses are`, 'them']
  throw new ApiError(
    409,
    'CATEGORY_IN_USE',
    `${courses} in this category, including drafts: name the category to move ${them} to with moveTo`
  )
}

/** The id of the category with the slug `moveTo`, which is protected from deletion until the transaction ends. */
async function requireTarget(tx: Transaction, slug: string, moveTo: string): Promise<number> {
  if (moveTo === slug) throw new ApiError(400, 'VALIDATION_FAILED', 'moveTo is the category to be deleted')
  const [target] = await tx.$queryRaw<{ id: number }[]>`select id from category where slug = ${moveTo} for key share`
  if (target === undefined) throw new ApiError(400, 'VALIDATION_FAILED', 'moveTo is not the slug of a category')
  return target.id
}

async function moveAll(tx: Transaction, from: number, to: number): Promise<void> {
  await tx.$executeRaw`
    update generation_job set category_id = ${to} where category_id = ${from} and status in ('queued', 'running')`
  const courses = await tx.$queryRaw<{ id: number }[]>`select id from course where category_id = ${from} order by id`
  for (let at = 0; at < courses.length; at += MOVED_AT_ONCE) {
    const ids = courses.slice(at, at + MOVED_AT_ONCE).map(({ id }) => id)
    await tx.$executeRaw`select cache_move_courses(${from}::int, ${to}::int, ${ids}::int[])`
  }
}
