import { ACCOUNT_LOCKS } from '#database/advisory-locks.ts'
import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import type { Actor } from './catalogue.ts'
import { type AuthoringRules, mayPublish } from './rules.ts'

/** The maximum number of chapters per account, so that adding up their bytes takes only a few milliseconds. */
const MAX_CHAPTERS = 10_000

/** Quotas of accounts. They are checked when something is added, under a lock on the account. Admins have no quotas. */
export class Quotas {
  readonly #rules: AuthoringRules

  constructor(rules: AuthoringRules) {
    this.#rules = rules
  }

  /** Call it before adding a course. Throws 409 if the quota is used up. */
  async requireCourse(tx: Transaction, actor: Actor): Promise<void> {
    const { courses, drafts } = this.#rules.quota
    if (actor.role === 'admin' || (courses === 0 && drafts === 0)) return
    await lockAccountQuota(tx, actor.id)
    const limit = Math.max(courses, drafts)
    const [kept] = await tx.$queryRaw<[{ courses: number; drafts: number }]>`
      select count(*)::int as courses, count(*) filter (where not published)::int as drafts from (
        (select status = 'published' as published from course where author_id = ${actor.id}
         order by status, id limit ${limit})
        union all
        (select false from generation_job where user_id = ${actor.id} and chapter_digest is null
           and status in ('queued', 'running') limit ${limit})
      ) as kept`
    if (courses > 0 && kept.courses >= courses) throw quotaReached('COURSES', 'courses', courses)
    if (drafts > 0 && kept.drafts >= drafts)
      throw quotaReached(
        'DRAFTS',
        'drafts',
        drafts,
        mayPublish(this.#rules, actor) ? ': publish or delete one' : ': delete one'
      )
  }

  /** Call it before adding an enrollment. Throws 409 if the quota is used up, unless the user is already enrolled. */
  async requireEnrollment(tx: Transaction, actor: Actor, courseId: number): Promise<void> {
    const { enrollments } = this.#rules.quota
    if (actor.role === 'admin' || enrollments === 0) return
    await lockAccountQuota(tx, actor.id)
    const [kept] = await tx.$queryRaw<[{ enrollments: number; enrolled: boolean }]>`
      select exists (select from enrollment where user_id = ${actor.id} and course_id = ${courseId}) as enrolled,
        (select count(*) from (select from enrollment where user_id = ${actor.id} limit ${enrollments}) as kept)::int
          as enrollments`
    if (kept.enrolled || kept.enrollments < enrollments) return
    throw quotaReached('ENROLLMENTS', 'enrollments', enrollments, ': leave a course first')
  }

  /**
   * Call it after writing text, in the same transaction. Throws 409 if the quota is exceeded, which must roll the
   * transaction back.
   */
  async requireText(tx: Transaction, actor: Actor): Promise<void> {
    const { bytes } = this.#rules.quota
    if (actor.role === 'admin' || bytes === 0) return
    await lockAccountQuota(tx, actor.id)
    // PostgreSQL knows the length without reading the text, which it stores separately (TOAST).
    const [kept] = await tx.$queryRaw<[{ chapters: number; bytes: number }]>`
      select count(*)::int as chapters, coalesce(sum(bytes), 0)::float8 as bytes from (
        select octet_length(chapter.title) + octet_length(chapter.content) as bytes
        from course join chapter on chapter.course_id = course.id
        where course.author_id = ${actor.id} limit ${MAX_CHAPTERS + 1}
      ) as kept`
    if (kept.chapters > MAX_CHAPTERS) throw quotaReached('CHAPTERS', 'chapters', MAX_CHAPTERS)
    if (kept.bytes > bytes) throw quotaReached('BYTES', 'bytes of text', bytes)
  }
}

/**
 * Locks the quotas of an account until the transaction ends. It is always the last lock taken, which prevents
 * deadlocks.
 */
async function lockAccountQuota(tx: Transaction, id: number): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock(${ACCOUNT_LOCKS}::int, ${id}::int)`
}

/** The message is worded so that it fits any number, also 1. */
function quotaReached(
  code: 'COURSES' | 'DRAFTS' | 'CHAPTERS' | 'BYTES' | 'ENROLLMENTS',
  what: string,
  limit: number,
  advice = ''
): ApiError {
  return new ApiError(409, `QUOTA_${code}`, `the account has reached its quota of ${what} (${limit})${advice}`)
}
