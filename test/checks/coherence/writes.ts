import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import type { Database } from '#database/database.ts'

const id = Type.Integer()

/** A write ordered from the control server of an instance; `title` is the new version, such as `v7`. */
const Write = Type.Object({
  how: Type.Enum([
    'update',
    'updateMany',
    'nested',
    'module',
    'raw',
    'category',
    'author',
    'create',
    'delete',
    'publish',
    'withdraw'
  ]),
  /** The id of the course, category or author. */
  id,
  title: Type.String(),
  /** Whether the instance dies between commit and invalidation, as by `kill -9`. */
  dies: Type.Boolean()
})
export type Write = Static<typeof Write>
export const write = Compile(Write)

/** The author and the category of courses that the load creates. */
const AUTHOR_ID = 1
/** A word of every course, and one of every module, that searches look for. */
export const COURSE_WORD = 'everything'
export const MODULE_WORD = 'inside'
export const CATEGORY_ID = 1

/** Writes through the service layer in the given way; resolves when the write is acknowledged. */
export async function perform({ how, id, title }: Write, database: Database): Promise<void> {
  const { client } = database
  if (how === 'update') await client.course.update({ where: { id }, data: { title } })
  if (how === 'updateMany') await client.course.updateMany({ where: { id }, data: { title } })
  if (how === 'raw') await client.$executeRaw`update course set title = ${title} where id = ${id}`
  if (how === 'category') await client.category.update({ where: { id }, data: { name: title } })
  if (how === 'author') await client.user.update({ where: { id }, data: { name: title } })
  if (how === 'publish') await client.course.update({ where: { id }, data: { title, status: 'published' } })
  // If the course is a draft already, the change is not visible to the public.
  if (how === 'withdraw') await client.course.update({ where: { id }, data: { title, status: 'draft' } })
  if (how === 'delete') await client.course.delete({ where: { id } })
  if (how === 'nested') {
    const part = (position: number) => ({ updateMany: { where: { position }, data: { title } } })
    const data = { title, modules: part(1), chapters: part(2) }
    await database.write((tx) => tx.course.update({ where: { id }, data }))
  }
  // Lists do not show the title of a module, but searches do.
  if (how === 'module') {
    await database.write(async (tx) => {
      await tx.module.updateMany({ where: { courseId: id, position: 1 }, data: { title } })
      await tx.chapter.updateMany({ where: { courseId: id, position: 2 }, data: { title } })
    })
  }
  if (how === 'create') {
    await client.course.create({
      data: {
        id,
        title,
        slug: `ghost-${id}`,
        summary: COURSE_WORD,
        level: 'beginner',
        language: 'en',
        status: 'published',
        authorId: AUTHOR_ID,
        categoryId: CATEGORY_ID
      }
    })
  }
}
