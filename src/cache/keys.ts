import { createHash } from 'node:crypto'

/** Every key and every tag of the cache is built here, never from raw user input. */

const MAX_KEY_BYTES = 512
const KEY = /^[A-Za-z0-9:_.-]+$/

/** The first words of cached data. Clearing touches nothing else: not sessions, not limits, not jobs. */
export const DATA_PREFIXES = ['course', 'user', 'api', 'generation', 'stats'] as const

const MINUTE_MS = 60_000

/** What names a cached value: its key, the tags it depends on, and how long it lives at most, in ms. */
export interface CacheSpec {
  readonly key: string
  readonly tags: readonly string[]
  /** `CACHE_DEFAULT_TTL` where it is not given. */
  readonly ttlMs?: number
  /** The stamps are checked at every read, whatever the lease: for what belongs to one user. */
  readonly strict?: boolean
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
  course: (id: number): CacheSpec => ({ key: `course:${id}`, tags: [tags.course(id)], ttlMs: 30 * MINUTE_MS }),
  courseModules: (id: number): CacheSpec => ({
    key: `course:${id}:modules`,
    tags: [tags.course(id)],
    ttlMs: 30 * MINUTE_MS
  }),
  chapter: (courseId: number, id: number): CacheSpec => ({
    key: `course:${courseId}:chapter:${id}`,
    tags: [tags.course(courseId)],
    ttlMs: 30 * MINUTE_MS
  }),
  courseList: (query: object): CacheSpec => ({
    key: `api:courses:${digest(query)}`,
    tags: [tags.courses, tags.categories],
    ttlMs: 10 * MINUTE_MS
  }),
  categories: (): CacheSpec => ({ key: 'api:categories', tags: [tags.categories], ttlMs: 30 * MINUTE_MS }),
  category: (slug: string): CacheSpec => ({
    key: `api:categories:${slug}`,
    tags: [tags.categories],
    ttlMs: 30 * MINUTE_MS
  }),
  profile: (userId: number): CacheSpec => ({
    key: `user:${userId}:profile`,
    tags: [tags.user(userId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  }),
  /** What chapters a course has counts too: the percentage changes with them. */
  progress: (userId: number, courseId: number): CacheSpec => ({
    key: `user:${userId}:progress:${courseId}`,
    tags: [tags.progress(userId), tags.course(courseId)],
    ttlMs: 15 * MINUTE_MS,
    strict: true
  }),
  generation: (id: string): CacheSpec => ({
    key: `generation:${id}`,
    tags: [tags.generation(id)],
    ttlMs: 120 * MINUTE_MS,
    strict: true
  }),
  generationChapters: (id: string): CacheSpec => ({
    key: `generation:${id}:chapters`,
    tags: [tags.generation(id)],
    ttlMs: 60 * MINUTE_MS,
    strict: true
  }),
  /** What a model answered to `question`, which says provider, model, prompt and options. */
  modelAnswer: (question: object): CacheSpec => ({
    key: `generation:llm:${digest(question)}`,
    tags: [],
    ttlMs: 120 * MINUTE_MS
  }),
  stats: (): CacheSpec => ({ key: 'stats:overview', tags: [], ttlMs: 5 * MINUTE_MS })
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

/** The key under which a tag's stamp is kept. */
export function stampKey(tag: string): string {
  return `tag:${tag}`
}

/** The key of the lock that one of several processes takes while it loads what `name` says. */
export function lockKey(name: string): string {
  return `lock:${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`
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
