import { createHash } from 'node:crypto'

/** Every key and every tag of the cache is built here, never from raw user input. */

const MAX_KEY_BYTES = 512
const KEY = /^[A-Za-z0-9:_.-]+$/

/** The first words of cached data. Clearing touches nothing else: not sessions, not limits, not jobs. */
export const DATA_PREFIXES = ['course', 'user', 'api', 'generation', 'stats'] as const

export const keys = {
  course: (id: number) => `course:${id}`,
  courseModules: (id: number) => `course:${id}:modules`,
  chapter: (courseId: number, chapterId: number) => `course:${courseId}:chapter:${chapterId}`,
  categories: 'api:categories',
  category: (slug: string) => `api:categories:${slug}`,
  courseList: (query: object) => `api:courses:${digest(query)}`
}

export const tags = {
  course: (id: number) => `course:${id}`,
  courses: 'courses',
  categories: 'categories'
}

/** The key under which a tag's stamp is kept. */
export function stampKey(tag: string): string {
  return `tag:${tag}`
}

/** Throws `RangeError` for a key outside the alphabet or longer than 512 bytes: a mistake of ours, never of a client. */
export function assertKey(key: string): void {
  if (key.length > MAX_KEY_BYTES || !KEY.test(key)) throw new RangeError(`not a cache key: ${JSON.stringify(key)}`)
}

/** True for a key of cached data. */
export function isDataKey(key: string): boolean {
  return DATA_PREFIXES.some((prefix) => key.startsWith(prefix) && key.charCodeAt(prefix.length) === 58 /* : */)
}

/** The same for two queries that mean the same: their parameters are sorted, absent ones left out. */
function digest(query: object): string {
  const present = Object.entries(query).filter(([, value]) => value !== undefined)
  present.sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(present)).digest('base64url').slice(0, 22)
}
