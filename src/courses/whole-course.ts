import type { Transaction } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
import { giveSlug, temporarySlug } from './slug.ts'

interface WholeModule {
  readonly title: string
  readonly summary: string
  readonly chapters: readonly { readonly title: string; readonly content: string; readonly minutes?: number }[]
}

/**
 * Creates a course with its modules and chapters in order; resolves to its id. Without a slug, it gets one from its
 * title. The course is published last, so that it is indexed for search only once, not with each part.
 */
export async function createWholeCourse(
  tx: Transaction,
  { status, ...course }: Omit<Prisma.CourseUncheckedCreateInput, 'slug'> & { slug?: string },
  modules: readonly WholeModule[]
): Promise<number> {
  const { id: courseId, title } = await tx.course.create({
    data: { ...course, slug: course.slug ?? temporarySlug() },
    select: { id: true, title: true }
  })
  if (course.slug === undefined) await giveSlug(tx, courseId, title)
  for (const [index, { title, summary, chapters }] of modules.entries()) {
    const module = await tx.module.create({ data: { courseId, title, summary, position: index + 1 } })
    await tx.chapter.createMany({
      data: chapters.map((chapter, i) => ({ ...chapter, courseId, moduleId: module.id, position: i + 1 }))
    })
  }
  if (status !== undefined) {
    const data = { status, ...(course.updatedAt !== undefined && { updatedAt: course.updatedAt }) }
    await tx.course.update({ where: { id: courseId }, data, select: { id: true } })
  }
  return courseId
}

/** Copies a course with its modules and chapters to a new draft of the author; resolves to its id. */
export async function copyCourse(tx: Transaction, from: number, authorId: number): Promise<number> {
  const course = await tx.course.findUniqueOrThrow({
    where: { id: from },
    select: { title: true, summary: true, description: true, level: true, language: true, categoryId: true }
  })
  const id = await createWholeCourse(tx, { ...course, authorId }, [])
  await tx.$executeRaw`
    insert into module (course_id, title, summary, position)
    select ${id}::int, title, summary, position from module where course_id = ${from}`
  await tx.$executeRaw`
    insert into chapter (course_id, module_id, title, content, minutes, position)
    select ${id}::int, copy.id, chapter.title, chapter.content, chapter.minutes, chapter.position
    from chapter join module on module.id = chapter.module_id
    join module as copy on copy.course_id = ${id}::int and copy.position = module.position
    where chapter.course_id = ${from}`
  return id
}
