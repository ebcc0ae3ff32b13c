import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'

/** Keeps the category there until the transaction, which is to name it, ends. Throws 400 when there is none. */
export async function requireCategory(tx: Transaction, id: number | null | undefined): Promise<void> {
  if (id == null) return
  const [category] = await tx.$queryRaw<{ id: number }[]>`select id from category where id = ${id} for key share`
  if (category !== undefined) return
  throw new ApiError(400, 'VALIDATION_FAILED', 'categoryId names no category')
}
