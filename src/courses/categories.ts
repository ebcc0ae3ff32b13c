import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { type Precondition, requireMatch } from '#http/precondition.ts'
import type { CategoryChange, NewCategory } from './authoring-shapes.ts'
import type { Category } from './shapes.ts'

/** Writes of admins to categories. They throw `NotFoundError`, 409 for a slug that is taken, and 412 for a precondition that fails. */
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

  /** Its courses stay, without a category. */
  async delete(slug: string, precondition: Precondition<Category>): Promise<void> {
    await this.#write(async (tx) => {
      const { id } = await requireVersion(tx, slug, precondition)
      await tx.category.delete({ where: { id } })
    })
  }

  async #write<T>(task: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#database.write(task)
    } catch (error) {
      if (!(error instanceof Prisma.PrismaClientKnownRequestError)) throw error
      if (error.code === 'P2025') throw new NotFoundError('category')
      if (error.code === 'P2002') throw new ApiError(409, 'SLUG_TAKEN', 'slug is taken by another category')
      throw error
    }
  }
}

/** Locks the category until the transaction ends. */
async function requireVersion(tx: Transaction, slug: string, precondition: Precondition<Category>): Promise<Category> {
  const [category] = await tx.$queryRaw<Category[]>`
    select id, slug, name, description from category where slug = ${slug} for update`
  if (category === undefined) throw new NotFoundError('category')
  await requireMatch(precondition, async () => category)
  return category
}
