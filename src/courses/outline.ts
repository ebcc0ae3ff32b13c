import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import type { Outline } from './authoring-shapes.ts'

/**
 * Reorders all modules and chapters of a course; chapters may move to other modules. Throws 400 for a duplicate id, and
 * 409 if the ids are not exactly those of the course. The caller must hold the lock on the course.
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
  if (twice !== undefined) throw new ApiError(400, 'VALIDATION_FAILED', `modules contains the ${what} ${twice} twice`)
  const foreign = wanted.find((id) => !course.has(id))
  const missing = existing.find((id) => !all.has(id))
  const problem = foreign !== undefined ? `${what} ${foreign} is not in it` : `${what} ${missing} is missing`
  if (foreign === undefined && missing === undefined) return
  throw new ApiError(
    409,
    'OUTLINE_INCOMPLETE',
    `modules must contain exactly the modules and chapters of the course: ${problem}`
  )
}
