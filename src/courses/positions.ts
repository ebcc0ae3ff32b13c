import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError } from '#http/errors.ts'

/** The maximum number of modules in a course, and of chapters in a module. */
export const MAX_PARTS = 100

/**
 * Contiguous positions, 1..n, of the modules of a course or the chapters of a module. Each change is one statement, at
 * whose end the unique constraints are checked. The caller must hold the lock on the course.
 */
export class Positions {
  readonly #table: Prisma.Sql
  readonly #parent: Prisma.Sql

  private constructor(table: 'module' | 'chapter', parent: 'course_id' | 'module_id') {
    this.#table = Prisma.raw(table)
    this.#parent = Prisma.raw(parent)
  }

  static readonly modules = new Positions('module', 'course_id')
  static readonly chapters = new Positions('chapter', 'module_id')

  /**
   * Makes room for a new item; resolves to its position: the wanted one, or the end. Throws 409 if there is no room.
   */
  async open(tx: Transaction, parentId: number, wanted: number | undefined): Promise<number> {
    const count = await this.#count(tx, parentId)
    if (count >= MAX_PARTS) throw new ApiError(409, 'FULL', `at most ${MAX_PARTS} are allowed`)
    const position = Math.min(wanted ?? count + 1, count + 1)
    await this.#shift(tx, parentId, position, count, 1)
    return position
  }

  /** Closes the gap that a deletion left. */
  async close(tx: Transaction, parentId: number, position: number): Promise<void> {
    await this.#shift(tx, parentId, position + 1, MAX_PARTS + 1, -1)
  }

  /** Moves an item to another position, and shifts those in between by one. */
  async move(tx: Transaction, parentId: number, from: number, wanted: number): Promise<void> {
    const to = Math.min(wanted, await this.#count(tx, parentId))
    if (to === from) return
    const [low, high, step] = from < to ? [from, to, -1] : [to, from, 1]
    await tx.$executeRaw`
      update ${this.#table} set position = case when position = ${from} then ${to} else position + ${step} end
      where ${this.#parent} = ${parentId} and position between ${low} and ${high}`
  }

  async #shift(tx: Transaction, parentId: number, low: number, high: number, step: number): Promise<void> {
    await tx.$executeRaw`
      update ${this.#table} set position = position + ${step}
      where ${this.#parent} = ${parentId} and position between ${low} and ${high}`
  }

  async #count(tx: Transaction, parentId: number): Promise<number> {
    const [row] = await tx.$queryRaw<[{ count: number }]>`
      select count(*)::int as count from ${this.#table} where ${this.#parent} = ${parentId}`
    return row.count
  }
}
