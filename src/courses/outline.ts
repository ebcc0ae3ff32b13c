import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import type { Outline } from './authoring-shapes.ts'

/**
 * Puts all modules and chapters of a course into a new order, also from module to module. Throws 400 for an id that comes twice, 409 where they
 * are not those of the course. The caller holds the lock on the course.
 */
export async function arrange(tx: Transaction, courseId: number, { modules }: Outline): Promise<void> {
  const chapters = modules.flatMap(({ id, chapters }) =>
    chapters.map((chapterId, index) => ({ id: chapterId, moduleId: id, position: index + 1 }))
  )
  const where = { where: { courseId }, select: { id: true } } as const
  const [moduleIds, chapterIds] = [idsOf(modules), idsOf(chapters)]
  requireSame('module', moduleIds, idsOf(await tx.module.findMany(where)))
  requireSame('chapter', chapterIds, idsOf(await tx.chapter.findMany(where)))
  await tx.$executeRaw`
    update module set position = place from unnest(${moduleIds}::int[]) with ordinality as wanted (module_id, place)
    where id = module_id and position <> place`
  await tx.$executeRaw`
    update chapter set module_id = wanted.module_id, position = place
    from unnest(${chapterIds}::int[], ${chapters.map(({ moduleId }) => moduleId)}::int[],
      ${chapters.map(({ position }) => position)}::int[]) as wanted (chapter_id, module_id, place)
    where id = chapter_id and (chapter.module_id, position) is distinct from (wanted.module_id, place)`
}

function idsOf(items: readonly { readonly id: number }[]): number[] {
  return items.map(({ id }) => id)
}

function requireSame(what: string, wanted: readonly number[], existing: readonly number[]): void {
  const [all, course] = [new Set<number>(), new Set(existing)]
  const twice = wanted.find((id) => all.size === all.add(id).size)
  if (twice !== undefined) throw new ApiError(400, 'VALIDATION_FAILED', `modules has the ${what} ${twice} twice`)
  const foreign = wanted.find((id) => !course.has(id))
  const missing = existing.find((id) => !all.has(id))
  const wrong = foreign !== undefined ? `${what} ${foreign} is not one of the course` : `${what} ${missing} is missing`
  if (foreign === undefined && missing === undefined) return
  throw new ApiError(409, 'OUTLINE_INCOMPLETE', `modules must have everything of the course: ${wrong}`)
}
