import { type Static, Type } from 'typebox'
import { CourseItem } from '#courses/shapes.ts'
import { Id, Time } from '#http/ids.ts'
import { pageOf } from '#http/paging.ts'
import { User } from '#users/shapes.ts'

export const Progress = Type.Object(
  {
    courseId: Type.Integer(),
    completedChapterIds: Type.Array(Type.Integer()),
    completed: Type.Integer(),
    total: Type.Integer(),
    percent: Type.Integer({ minimum: 0, maximum: 100 }),
    updatedAt: Time
  },
  { title: 'Progress' }
)
export const ProgressList = Type.Object({ items: Type.Array(Progress) }, { title: 'ProgressList' })
export const EnrolledCoursePage = pageOf(
  Type.Object({ ...CourseItem.properties, progress: Progress }),
  'EnrolledCoursePage'
)

/** The user's own part of a course page; the rest is the same for everybody. */
export const OwnEnrollment = Type.Object(
  { courseId: Type.Integer(), enrolled: Type.Boolean(), progress: Type.Union([Progress, Type.Null()]) },
  { title: 'OwnEnrollment' }
)
export const StudentPage = pageOf(
  Type.Object({ user: User, enrolledAt: Time, percent: Type.Integer({ minimum: 0, maximum: 100 }) }),
  'StudentPage'
)

export const ProgressParams = Type.Object({ courseId: Id })
export const CompletionParams = Type.Object({ courseId: Id, chapterId: Id })
export const Completion = Type.Object(
  { completed: Type.Boolean() },
  { title: 'Completion', additionalProperties: false }
)

export type Progress = Static<typeof Progress>
export type OwnEnrollment = Static<typeof OwnEnrollment>
export type StudentPage = Static<typeof StudentPage>
export type EnrolledCoursePage = Static<typeof EnrolledCoursePage>
