import slugify from '@sindresorhus/slugify'
import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'

const MAX_SLUG = 60
/** How many former slugs of a course, the latest ones, still lead to it. */
const MAX_OLD_SLUGS = 20

/** The slug of a course: its title in Latin letters, with the id to make it unique. */
export function courseSlug(title: string, id: number): string {
  return `${slugify(title, { decamelize: false }).slice(0, MAX_SLUG)}-${id}`.replace(/^-+|-+(?=-)/g, '')
}

/** A unique slug for the time until the id is known. */
export function temporarySlug(): string {
  return crypto.randomUUID()
}

/**
 * Gives a new course the slug of its title. If another course has or had that slug, the first characters of the
 * temporary one follow.
 */
export async function giveSlug(tx: Transaction, id: number, title: string): Promise<void> {
  const slug = courseSlug(title, id)
  await tx.$executeRaw`
    update course set slug = case when exists (select from course where slug = ${slug}) or exists (select from course_slug where slug = ${slug})
      then ${slug} || '-' || left(slug, 8) else ${slug} end
    where id = ${id}`
}

/**
 * Keeps the current slug of a course as a link to it, before it gets the slug `next`. The caller must hold the lock on
 * the course.
 */
export async function keepOldSlug(tx: Transaction, id: number, next: string): Promise<void> {
  await tx.$executeRaw`
    insert into course_slug (slug, course_id) select slug, id from course where id = ${id} and slug <> ${next}
    on conflict (slug) do update set course_id = excluded.course_id, created_at = now()`
  await tx.$executeRaw`
    delete from course_slug where course_id = ${id} and (slug = ${next} or slug in (
      select slug from course_slug where course_id = ${id} order by created_at desc, slug offset ${MAX_OLD_SLUGS}))`
}

/**
 * Throws 409 if old links to a published course of another author would then lead to this one. Call it after writing
 * the slug: from then on, no other transaction can be about to give it up.
 */
export async function requireNoLinkOfOthers(tx: Transaction, id: number, slug: string): Promise<void> {
  const [other] = await tx.$queryRaw<{ id: number }[]>`
    select former.id from course_slug join course as former on former.id = course_slug.course_id, course
    where course_slug.slug = ${slug} and former.status = 'published' and course.id = ${id} and former.author_id <> course.author_id`
  if (other !== undefined) throw slugTaken()
}

export function slugTaken(): ApiError {
  return new ApiError(
    409,
    'SLUG_TAKEN',
    'slug is taken: another course has it, or old links to a course of another author use it'
  )
}
