import fp from 'fastify-plugin'
import { Authoring } from '#courses/authoring.ts'
import { Catalogue } from '#courses/catalogue.ts'
import { Categories } from '#courses/categories.ts'
import { CourseFiles } from '#courses/course-files.ts'
import { CourseLists } from '#courses/course-lists.ts'
import { CourseSlugs } from '#courses/course-slugs.ts'
import { OwnCourses } from '#courses/own-courses.ts'
import { Quotas } from '#courses/quota.ts'
import { CachedProgress } from '#learning/cached-progress.ts'
import { Learning } from '#learning/learning.ts'
import { Students } from '#learning/students.ts'
import { Statistics } from '#statistics/statistics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly catalogue: Catalogue
    readonly courseSlugs: CourseSlugs
    readonly courseLists: CourseLists
    readonly ownCourses: OwnCourses
    readonly courseFiles: CourseFiles
    readonly authoring: Authoring
    readonly categories: Categories
    readonly learning: Learning
    readonly cachedProgress: CachedProgress
    readonly students: Students
    readonly statistics: Statistics
  }
}

/** The services that routes call: reading and writing courses, learning, statistics. */
export default fp(
  async (app) => {
    const { coherentCache: cache, config, database } = app
    const catalogue = new Catalogue(database.client)
    app.decorate('catalogue', catalogue)
    app.decorate('courseSlugs', new CourseSlugs(cache, database.client))
    app.decorate('courseLists', new CourseLists(database))
    app.decorate('ownCourses', new OwnCourses(database))
    app.decorate('courseFiles', new CourseFiles(database, config))
    app.decorate('authoring', new Authoring(database, config))
    app.decorate('categories', new Categories(database))
    const learning = new Learning(database, new Quotas(config))
    app.decorate('learning', learning)
    app.decorate('cachedProgress', new CachedProgress(cache, learning, catalogue))
    app.decorate('students', new Students(database))
    app.decorate('statistics', new Statistics(database))
  },
  { name: 'services', dependencies: ['cache', 'database'] }
)
