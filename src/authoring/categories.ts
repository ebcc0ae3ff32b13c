import type { Category } from '../catalogue/shapes.ts'
import { Prisma, type PrismaClient } from '../db/generated/client.ts'
import { ApiError, NotFoundError } from '../errors.ts'
import type { CategoryChange, NewCategory } from './shapes.ts'

/** Writes of admins to categories. They throw `NotFoundError`, and 409 for a slug that is taken. */
export class Categories {
  readonly #client: PrismaClient

  constructor(client: PrismaClient) {
    this.#client = client
  }

  create(input: NewCategory): Promise<Category> {
    return named(() => this.#client.category.create({ data: input }))
  }

  change(slug: string, input: CategoryChange): Promise<Category> {
    return named(() => this.#client.category.update({ where: { slug }, data: input }))
  }

  /** Its courses stay, without a category. */
  async delete(slug: string): Promise<void> {
    await named(() => this.#client.category.delete({ where: { slug } }))
  }
}

async function named<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError)) throw error
    if (error.code === 'P2025') throw new NotFoundError('category')
    if (error.code === 'P2002') throw new ApiError(409, 'SLUG_TAKEN', 'slug is taken by another category')
    throw error
  }
}
