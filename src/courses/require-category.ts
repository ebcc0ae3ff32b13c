import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'

/**
 * Throws 400 if the category does not exist, and protects it from deletion until the transaction, which will refer to
 * it, ends.
 */
export async function requireCategory(tx: Transaction, id: number | null | undefined): Promise<void> {
  if (id == null) return
  const [category] = await tx.$queryRaw<{ id: number }[]>`select id from category where id = ${id} for key share`
  if (category !== undefined) return
  throw new ApiError(400, 'VALIDATION_FAILED', 'categoryId is not the id of a category')
}
