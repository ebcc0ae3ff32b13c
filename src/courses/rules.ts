import { ApiError } from '#http/errors.ts'
import type { Actor } from './catalogue.ts'

/** What one account may keep; 0 is off. */
export interface Quota {
  /** Courses, and generations that are to become some. */
  readonly courses: number
  /** Those of them that are not published. */
  readonly drafts: number
  /** UTF-8, of the titles and texts of chapters: everything else of a course is small, and bounded by the number of courses. */
  readonly bytes: number
  /** Courses that the account is enrolled in. */
  readonly enrollments: number
}

export interface AuthoringRules {
  readonly quota: Quota
  /** Who may publish: everyone, or authors and admins only. */
  readonly publishing: 'everyone' | 'authors'
  /** What only accounts with a verified e-mail address may do. */
  readonly requireVerifiedEmail: readonly ('generate' | 'publish')[]
}

export function mayPublish({ publishing }: AuthoringRules, { role }: Actor): boolean {
  return publishing === 'everyone' || role !== 'student'
}

/** Throws 403 for who has not verified his e-mail address. */
export function requireVerified({ emailVerified }: Pick<Actor, 'emailVerified'>): void {
  if (emailVerified) return
  throw new ApiError(
    403,
    'EMAIL_NOT_VERIFIED',
    'verify your e-mail address first: POST /auth/email/verification sends a letter'
  )
}
