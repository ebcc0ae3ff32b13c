import { type Static, Type } from 'typebox'

const count = Type.Integer({ minimum: 0, description: 'exact up to 10,000, an estimate above' })

/** Counts of the whole platform. Drafts are counted, but not named. */
export const Statistics = Type.Object(
  {
    courses: count,
    publishedCourses: count,
    users: count,
    enrollments: count,
    completedChapters: count,
    topCourses: Type.Array(Type.Object({ id: Type.Integer(), title: Type.String(), enrollments: count }), {
      description: 'the published courses with the most enrollments, among those with the most recent enrollments'
    })
  },
  { title: 'Statistics' }
)

export type Statistics = Static<typeof Statistics>
