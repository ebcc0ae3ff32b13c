import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { Account } from './accounts/shapes.ts'
import type { CacheSpec } from './cache/keys.ts'
import { shapeOf } from './cache/shape.ts'
import { Category, CategoryList, Chapter, Course, CoursePage, ModuleList } from './catalogue/shapes.ts'
import { FinishedChapter, GenerationRecord } from './generation/shapes.ts'
import { Progress } from './progress/shapes.ts'

/** Every key and every tag of cached data is built here, never from raw user input. */

const MINUTE_MS = 60_000

/**
 * What the entries are made of. Where an answer changes its meaning and not its schema, raise the number after the schema: another
 * version of the service, on the same Redis, would take the entries for its own.
 */
const shapes = {
  course: shapeOf(Course, 0),
  courseModules: shapeOf(ModuleList, 0),
  chapter: shapeOf(Chapter, 0),
  courseList: shapeOf(CoursePage, 0),
  categories: shapeOf(CategoryList, 0),
  category: shapeOf(Category, 0),
  profile: shapeOf(Account, 0),
  progress: shapeOf(Progress, 0),
  generation: shapeOf(GenerationRecord, 0),
  generationChapters: shapeOf(Type.Array(FinishedChapter), 0),
  /** The question says what is expected, and the answer is checked. */
  modelAnswer: shapeOf(Type.Unknown(), 0),
  stats: shapeOf(Type.Unknown(), 0)
}

export const tags = {
  course: (id: number) => `course:${id}`,
  courses: 'courses',
  categories: 'categories',
  category: (id: number) => `category:${id}`,
  user: (id: number) => `user:${id}`,
  /** The name of a user, as pages show it of whom they are by. */
  userName: (id: number) => `user:${id}:name`,
  progress: (userId: number) => `user:${userId}:progress`,
  generation: (id: string) => `generation:${id}`
}

/** Everything that is cached. Which rows touch which tags is written in the migration `smaller_invalidations`. */
export const specs = {
  /** The page of a course; of whom and of what category it shows the names, its load tells (`Catalogue.coursePage`). */
  course: (id: number): CacheSpec => ({
    key: `course:${id}`,
    shape: shapes.course,
    tags: [tags.course(id)],
    ttlMs: 30 * MINUTE_MS
  }),
  courseModules: (id: number): CacheSpec => ({
    key: `course:${id}:modules`,
    shape: shapes.courseModules,
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
    key: `api:courses:${digest(query)}`,
    shape: shapes.courseList,
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
  }),
  profile: (userId: number): CacheSpec => ({
    key: `user:${userId}:profile`,
    shape: shapes.profile,
    tags: [tags.user(userId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  }),
  /** What chapters a course has counts too: the percentage changes with them. */
  progress: (userId: number, courseId: number): CacheSpec => ({
    key: `user:${userId}:progress:${courseId}`,
    shape: shapes.progress,
    tags: [tags.progress(userId), tags.course(courseId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  }),
  generation: (id: string): CacheSpec => ({
    key: `generation:${id}`,
    shape: shapes.generation,
    tags: [tags.generation(id)],
    ttlMs: 120 * MINUTE_MS,
    strict: true
  }),
  generationChapters: (id: string): CacheSpec => ({
    key: `generation:${id}:chapters`,
    shape: shapes.generationChapters,
    tags: [tags.generation(id)],
    ttlMs: 60 * MINUTE_MS,
    strict: true
  }),
  /** What a model answered to `question`, which says provider, model, prompt and options. */
  modelAnswer: (question: object): CacheSpec => ({
    key: `generation:llm:${digest(question)}`,
    shape: shapes.modelAnswer,
    tags: [],
    ttlMs: 120 * MINUTE_MS
  }),
  stats: (): CacheSpec => ({ key: 'stats:overview', shape: shapes.stats, tags: [], ttlMs: 5 * MINUTE_MS })
}

/** The keys that are an entity's own: gone from the store when its tag is invalidated, as operators expect. */
export function ownKeys(tag: string): string[] {
  const [, generation] = /^generation:([\w-]+)$/.exec(tag) ?? []
  if (generation !== undefined) return [specs.generation(generation).key, specs.generationChapters(generation).key]
  const [, kind, id] = /^(course|user):(\d+)$/.exec(tag) ?? []
  if (kind === 'course') return [specs.course(Number(id)).key, specs.courseModules(Number(id)).key]
  if (kind === 'user') return [specs.profile(Number(id)).key]
  return tag === tags.categories ? [specs.categories().key] : []
}

/** The same for two queries that mean the same: their parameters are sorted, absent ones left out. */
function digest(query: object): string {
  const present = Object.entries(query).filter(([, value]) => value !== undefined)
  present.sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(present)).digest('base64url').slice(0, 22)
}
