import { type CacheSpec, digestOf, kindOf } from '#cache'
import { Category, CategoryList, Chapter, Course, CoursePage, CourseSlug, ModuleList } from './shapes.ts'

/**
 * The cached data of courses. The migrations `smaller_invalidations`, `category_moves`, `course_slugs` and
 * `full_text_search` define which rows touch which tags.
 */

const MINUTE_MS = 60_000

export const tags = {
  course: (id: number) => `course:${id}`,
  courses: 'courses',
  /** The part of courses that only searches see: the text of their modules and chapters. */
  search: 'search',
  categories: 'categories',
  category: (id: number) => `category:${id}`,
  slug: (slug: string) => `slug:${slug}`,
  /** The name of a user, which is shown with their courses. */
  authorName: (userId: number) => `user:${userId}:name`
}

/** When the meaning of an answer changes but not its schema, raise its revision here (`kindOf`). */
const kinds = {
  course: kindOf(Course, 0),
  modules: kindOf(ModuleList, 0),
  chapter: kindOf(Chapter, 0),
  courseSlug: kindOf(CourseSlug, 0),
  courses: kindOf(CoursePage, 0),
  categories: kindOf(CategoryList, 0),
  category: kindOf(Category, 0)
}

export const specs = {
  /**
   * A course. The load adds the tags of the names that it shows, of the author and the category
   * (`Catalogue.coursePage`).
   */
  course: (id: number): CacheSpec => ({
    key: `course:${id}`,
    ...kinds.course,
    tags: [tags.course(id)],
    ttlMs: 30 * MINUTE_MS
  }),
  courseModules: (id: number): CacheSpec => ({
    key: `course:${id}:modules`,
    ...kinds.modules,
    tags: [tags.course(id)],
    ttlMs: 30 * MINUTE_MS
  }),
  chapter: (courseId: number, id: number): CacheSpec => ({
    key: `course:${courseId}:chapter:${id}`,
    ...kinds.chapter,
    tags: [tags.course(courseId)],
    ttlMs: 30 * MINUTE_MS
  }),
  /** The load adds the tags of all courses that have or had the slug (`CourseSlugs`). */
  courseSlug: (slug: string): CacheSpec => ({
    key: `course:slug:${slug}`,
    ...kinds.courseSlug,
    tags: [tags.slug(slug)],
    ttlMs: 30 * MINUTE_MS
  }),
  courseList: (query: { readonly search?: string | undefined; readonly [name: string]: unknown }): CacheSpec => ({
    key: `api:courses:${digestOf(query)}`,
    ...kinds.courses,
    tags: [tags.courses, tags.categories, ...(query.search === undefined ? [] : [tags.search])],
    ttlMs: 10 * MINUTE_MS
  }),
  categories: (): CacheSpec => ({
    key: 'api:categories',
    ...kinds.categories,
    tags: [tags.categories],
    ttlMs: 30 * MINUTE_MS
  }),
  category: (slug: string): CacheSpec => ({
    key: `api:categories:${slug}`,
    ...kinds.category,
    tags: [tags.categories],
    ttlMs: 30 * MINUTE_MS
  })
}
