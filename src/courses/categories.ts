import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import type { CategoryChange, NewCategory } from './authoring-shapes.ts'
import type { Category } from './shapes.ts'

/** Writes of admins to categories. They throw `NotFoundError`, and 409 for a slug that is taken. */
export class Categories {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  create(input: NewCategory): Promise<Category> {
    return this.#write((tx) => tx.category.create({ data: input }))
  }

  change(slug: string, input: CategoryChange): Promise<Category> {
    return this.#write((tx) => tx.category.update({ where: { slug }, data: input }))
  }

  /** Its courses stay, without a category. */
  async delete(slug: string): Promise<void> {
    await this.#write((tx) => tx.category.delete({ where: { slug } }))
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
