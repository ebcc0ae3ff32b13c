import { type Static, Type } from 'typebox'

const count = Type.Integer({ minimum: 0, description: 'exact up to 10,000, above it an estimate' })

/** Counts of the whole platform. Drafts are in the counts, but no draft is named. */
export const Statistics = Type.Object(
  {
    courses: count,
    publishedCourses: count,
    users: count,
    enrollments: count,
    completedChapters: count,
    topCourses: Type.Array(Type.Object({ id: Type.Integer(), title: Type.String(), enrollments: count }), {
      description: 'the published courses with the most enrollments, of those chosen most often lately'
    })
  },
  { title: 'Statistics' }
)

export type Statistics = Static<typeof Statistics>
