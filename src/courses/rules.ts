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
}

export function mayPublish({ publishing }: AuthoringRules, { role }: Actor): boolean {
  return publishing === 'everyone' || role !== 'student'
}
