import { type CacheSpec, digestOf, shapeOf } from '#cache'
import { Category, CategoryList, Chapter, Course, CoursePage, ModuleList } from './shapes.ts'

/** What is cached of courses. Which rows touch which tags is written in the migration `smaller_invalidations`. */

const MINUTE_MS = 60_000

export const tags = {
  course: (id: number) => `course:${id}`,
  courses: 'courses',
  categories: 'categories',
  category: (id: number) => `category:${id}`,
  /** The name of a user, as the pages of his courses show it. */
  authorName: (userId: number) => `user:${userId}:name`
}

/** Where an answer changes its meaning and not its schema, raise the number beside it (`shapeOf`). */
const shapes = {
  course: shapeOf(Course, 0),
  modules: shapeOf(ModuleList, 0),
  chapter: shapeOf(Chapter, 0),
  courses: shapeOf(CoursePage, 0),
  categories: shapeOf(CategoryList, 0),
  category: shapeOf(Category, 0)
}

export const specs = {
  /** The page of a course. The author and the category whose names it shows are tags that its load adds (`Catalogue.coursePage`). */
  course: (id: number): CacheSpec => ({
    key: `course:${id}`,
    shape: shapes.course,
    tags: [tags.course(id)],
    ttlMs: 30 * MINUTE_MS
  }),
  courseModules: (id: number): CacheSpec => ({
    key: `course:${id}:modules`,
    shape: shapes.modules,
    tags: [tags.course(id)],
    ttlMs: 30 * MINUTE_MS
  }),
  chapter: (courseId: number, id: number): CacheSpec => ({
    key: `course:${courseId}:chapter:${id}`,
    shape: shapes.chapter,
    tags: [tags.course(courseId)],
    ttlMs: 30 * MINUTE_MS
  }),
  courseList: (query: object): CacheSpec => ({
    key: `api:courses:${digestOf(query)}`,
    shape: shapes.courses,
    tags: [tags.courses, tags.categories],
    ttlMs: 10 * MINUTE_MS
  }),
  categories: (): CacheSpec => ({
    key: 'api:categories',
    shape: shapes.categories,
    tags: [tags.categories],
    ttlMs: 30 * MINUTE_MS
  }),
  category: (slug: string): CacheSpec => ({
    key: `api:categories:${slug}`,
    shape: shapes.category,
    tags: [tags.categories],
    ttlMs: 30 * MINUTE_MS
  })
}
