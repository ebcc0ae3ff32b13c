import slugify from '@sindresorhus/slugify'
import type { Transaction } from '#database/database.ts'

const MAX_SLUG = 60
/** How many of the slugs that a course had before lead to it, the latest ones. */
const MAX_OLD_SLUGS = 20

/** The slug of a course: of its title, in Latin letters; the id makes it unique, whatever the title. */
export function courseSlug(title: string, id: number): string {
  return `${slugify(title).slice(0, MAX_SLUG)}-${id}`.replace(/^-+|-+(?=-)/g, '')
}

/** Unique until the id is known. */
export function temporarySlug(): string {
  return crypto.randomUUID()
}

/** Gives a new course the slug of its title. An author may have chosen that for another one: then it ends as the temporary one begins. */
export async function giveSlug(tx: Transaction, id: number, title: string): Promise<void> {
  const slug = courseSlug(title, id)
  await tx.$executeRaw`
    update course set slug = case when exists (select from course where slug = ${slug})
      then ${slug} || '-' || left(slug, 8) else ${slug} end
    where id = ${id}`
}

/** Keeps the slug that a course has, before it gets another: it leads to the course then. The caller holds the lock on the course. */
export async function keepOldSlug(tx: Transaction, id: number, next: string): Promise<void> {
  await tx.$executeRaw`
    insert into course_slug (slug, course_id) select slug, id from course where id = ${id} and slug <> ${next}
    on conflict (slug) do update set course_id = excluded.course_id, created_at = now()`
  await tx.$executeRaw`
    delete from course_slug where course_id = ${id} and (slug = ${next} or slug in (
      select slug from course_slug where course_id = ${id} order by created_at desc, slug offset ${MAX_OLD_SLUGS}))`
}
