import type { Transaction } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
import type { CourseItem } from './shapes.ts'

/**
 * The courses of one page; `page` is a table of their ids. Only these rows are read completely, joined, and their parts
 * counted: finding a page far down only takes an index. All column names are unique, so that the same `order` can be
 * used here and for the table of ids.
 */
export async function readItems(tx: Transaction, page: Prisma.Sql, order: Prisma.Sql): Promise<CourseItem[]> {
  const rows = await tx.$queryRaw<Row[]>`
    select id, slug, title, summary, level::text, language, status::text, created_at as "createdAt", updated_at as "updatedAt",
      category_id as "categoryId", "categorySlug", "categoryName", author_id as "authorId", "authorName",
      (select count(*) from module where course_id = course.id)::int as "moduleCount",
      (select count(*) from chapter where course_id = course.id)::int as "chapterCount"
    from ${page} as page
    join course using (id)
    join (select id as author, name as "authorName" from app_user) as author on author = author_id
    left join (select id as category, slug as "categorySlug", name as "categoryName" from category) as category
      on category = category_id
    order by ${order}`
  return rows.map(toItem)
}

interface Row extends Pick<CourseItem, 'id' | 'slug' | 'title' | 'summary' | 'level' | 'language' | 'status'> {
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly categoryId: number | null
  readonly categorySlug: string | null
  readonly categoryName: string | null
  readonly authorId: number
  readonly authorName: string
  readonly moduleCount: number
  readonly chapterCount: number
}

function toItem(row: Row): CourseItem {
  const { categoryId, categorySlug, categoryName, authorId, authorName, createdAt, updatedAt, ...item } = row
  const known = categoryId !== null && categorySlug !== null && categoryName !== null
  return {
    ...item,
    category: known ? { id: categoryId, slug: categorySlug, name: categoryName } : null,
    author: { id: authorId, name: authorName },
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString()
  }
}
