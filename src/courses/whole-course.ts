import type { Transaction } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
import { courseSlug, temporarySlug } from './slug.ts'

interface WholeModule {
  readonly title: string
  readonly summary: string
  readonly chapters: readonly { readonly title: string; readonly content: string; readonly minutes?: number }[]
}

/** Creates a course with its modules and chapters in their order; resolves to its id. Without a slug it gets one of its title. */
export async function createWholeCourse(
  tx: Transaction,
  course: Omit<Prisma.CourseUncheckedCreateInput, 'slug'> & { slug?: string },
  modules: readonly WholeModule[]
): Promise<number> {
  const { id: courseId, title } = await tx.course.create({
    data: { ...course, slug: course.slug ?? temporarySlug() },
    select: { id: true, title: true }
  })
  if (course.slug === undefined) {
    await tx.course.update({
      where: { id: courseId },
      data: { slug: courseSlug(title, courseId) },
      select: { id: true }
    })
  }
  for (const [index, { title, summary, chapters }] of modules.entries()) {
    const module = await tx.module.create({ data: { courseId, title, summary, position: index + 1 } })
    await tx.chapter.createMany({
      data: chapters.map((chapter, i) => ({ ...chapter, courseId, moduleId: module.id, position: i + 1 }))
    })
  }
  return courseId
}
