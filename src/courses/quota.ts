import { ACCOUNT_LOCKS } from '#database/advisory-locks.ts'
import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import type { Actor } from './catalogue.ts'
import { type AuthoringRules, mayPublish } from './rules.ts'

/** Chapters of one account: so many rows are read at most to add up its bytes, which takes a few milliseconds. */
const MAX_CHAPTERS = 10_000

/** Quotas of accounts. They are counted when something is added, under a lock on the account; admins have none. */
export class Quotas {
  readonly #rules: AuthoringRules

  constructor(rules: AuthoringRules) {
    this.#rules = rules
  }

  /** For one more course, before it is there. Throws 409 where there is no room. */
  async requireCourse(tx: Transaction, actor: Actor): Promise<void> {
    const { courses, drafts } = this.#rules.quota
    if (actor.role === 'admin' || (courses === 0 && drafts === 0)) return
    await lockAccountQuota(tx, actor.id)
    const most = Math.max(courses, drafts)
    const [kept] = await tx.$queryRaw<[{ courses: number; drafts: number }]>`
      select count(*)::int as courses, count(*) filter (where not published)::int as drafts from (
        (select status = 'published' as published from course where author_id = ${actor.id}
         order by status, id limit ${most})
        union all
        (select false from generation_job where user_id = ${actor.id} and chapter_digest is null
           and status in ('queued', 'running') limit ${most})
      ) as kept`
    if (courses > 0 && kept.courses >= courses) throw full('COURSES', 'courses', courses)
    if (drafts > 0 && kept.drafts >= drafts)
      throw full(
        'DRAFTS',
        'drafts',
        drafts,
        mayPublish(this.#rules, actor) ? ': publish or delete one' : ': delete one'
      )
  }

  /** For one more enrollment, before it is there. Throws 409 where there is no room, unless it is there already. */
  async requireEnrollment(tx: Transaction, actor: Actor, courseId: number): Promise<void> {
    const { enrollments } = this.#rules.quota
    if (actor.role === 'admin' || enrollments === 0) return
    await lockAccountQuota(tx, actor.id)
    const [kept] = await tx.$queryRaw<[{ enrollments: number; enrolled: boolean }]>`
      select exists (select from enrollment where user_id = ${actor.id} and course_id = ${courseId}) as enrolled,
        (select count(*) from (select from enrollment where user_id = ${actor.id} limit ${enrollments}) as kept)::int
          as enrollments`
    if (kept.enrolled || kept.enrollments < enrollments) return
    throw full('ENROLLMENTS', 'enrollments', enrollments, ': leave a course first')
  }

  /** For text, after it was written: the transaction is to be rolled back. Throws 409 where there is more than may be. */
  async requireText(tx: Transaction, actor: Actor): Promise<void> {
    const { bytes } = this.#rules.quota
    if (actor.role === 'admin' || bytes === 0) return
    await lockAccountQuota(tx, actor.id)
    // A length is known without the text, which is stored apart from its row.
    const [kept] = await tx.$queryRaw<[{ chapters: number; bytes: number }]>`
      select count(*)::int as chapters, coalesce(sum(bytes), 0)::float8 as bytes from (
        select octet_length(chapter.title) + octet_length(chapter.content) as bytes
        from course join chapter on chapter.course_id = course.id
        where course.author_id = ${actor.id} limit ${MAX_CHAPTERS + 1}
      ) as kept`
    if (kept.chapters > MAX_CHAPTERS) throw full('CHAPTERS', 'chapters', MAX_CHAPTERS)
    if (kept.bytes > bytes) throw full('BYTES', 'bytes of text', bytes)
  }
}

/** Until the transaction ends; it is the last lock that one takes, so that no two wait for each other. */
async function lockAccountQuota(tx: Transaction, id: number): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock(${ACCOUNT_LOCKS}::int, ${id}::int)`
}

/** Said so that it is right for one, too. */
function full(
  code: 'COURSES' | 'DRAFTS' | 'CHAPTERS' | 'BYTES' | 'ENROLLMENTS',
  what: string,
  most: number,
  advice = ''
): ApiError {
  return new ApiError(409, `QUOTA_${code}`, `an account may keep no more ${what} than ${most}${advice}`)
}
