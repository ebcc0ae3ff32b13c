import { ApiError } from '#http/errors.ts'
import type { Actor } from './catalogue.ts'

/** What one account may store; 0 means no limit. */
export interface Quota {
  /** Courses, including unfinished generations of courses. */
  readonly courses: number
  /** Of these, the ones that are not published. */
  readonly drafts: number
  /**
   * UTF-8 bytes of the titles and texts of chapters. The rest of a course is small, and bounded by the number of
   * courses.
   */
  readonly bytes: number
  /** Courses in which the account is enrolled. */
  readonly enrollments: number
}

export interface AuthoringRules {
  readonly quota: Quota
  /** Who may publish: everyone, or authors and admins only. */
  readonly publishing: 'everyone' | 'authors'
  /** What requires an account with a verified e-mail address. */
  readonly requireVerifiedEmail: readonly ('generate' | 'publish')[]
}

export function mayPublish({ publishing }: AuthoringRules, { role }: Actor): boolean {
  return publishing === 'everyone' || role !== 'student'
}

/** Throws 403 if the user has not verified the e-mail address. */
export function requireVerified({ emailVerified }: Pick<Actor, 'emailVerified'>): void {
  if (emailVerified) return
  throw new ApiError(
    403,
    'EMAIL_NOT_VERIFIED',
    'verify your e-mail address first: POST /auth/email/verification sends a verification e-mail'
  )
}
