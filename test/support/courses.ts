import type { Static } from 'typebox'
import type { Prisma } from '#database/generated/client.ts'
import type { CourseItem } from './contract.ts'
import type { Service } from './service.ts'

export type Client = Service['app']['database']['client']

/** Creates a course, published unless `data` says otherwise, with two modules, one of them empty, and one chapter. */
export async function addCourse(client: Client, data: Partial<Prisma.CourseUncheckedCreateInput> & { slug: string }) {
  const author = await client.user.findFirstOrThrow({ orderBy: { id: 'asc' } })
  const { id } = await client.course.create({
    data: {
      title: data.slug,
      summary: '',
      level: 'beginner',
      language: 'en',
      status: 'published',
      authorId: author.id,
      ...data
    }
  })
  const module = await client.module.create({ data: { courseId: id, title: 'First', position: 1 } })
  await client.module.create({ data: { courseId: id, title: 'Empty', position: 2 } })
  const chapter = await client.chapter.create({
    data: { courseId: id, moduleId: module.id, title: 'Only', content: 'Text', position: 1 }
  })
  return { id, authorId: author.id, moduleId: module.id, chapterId: chapter.id }
}

/** The published courses of the database in the shape of the contract, to which every list must conform. */
export async function publishedCourses(client: Client): Promise<Static<typeof CourseItem>[]> {
  const rows = await client.course.findMany({
    where: { status: 'published' },
    include: { category: true, author: true, modules: true, chapters: true }
  })
  return rows.map(({ category, author, modules, chapters, createdAt, updatedAt, ...row }) => ({
    id: row.id,
    slug: row.slug,
    title: row.title,
    summary: row.summary,
    level: row.level,
    language: row.language,
    status: row.status,
    category: category && { id: category.id, slug: category.slug, name: category.name },
    author: { id: author.id, name: author.name },
    moduleCount: modules.length,
    chapterCount: chapters.length,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString()
  }))
}
