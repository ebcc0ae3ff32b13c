import { Subject } from './ledger.ts'
import { AUTHOR_ID, CATEGORY_ID } from './writes.ts'

const COURSES = 20
const GHOSTS = 4
const CATEGORIES = 2
/** Ids that nothing has until they are written on the way. */
const FIRST_GHOST_ID = 1_000_001
const LEVELS = ['beginner', 'intermediate', 'advanced'] as const

export interface Course {
  readonly id: number
  readonly level: (typeof LEVELS)[number]
  readonly categoryId: number
  readonly title: Subject
  /** The title of its only module, which the nested writes change with the course's; none in a ghost. */
  readonly module: Subject | null
}

export interface Category {
  readonly id: number
  readonly name: Subject
}

/** Everything that is written and read. */
export interface Subjects {
  readonly courses: readonly Course[]
  /** Courses that are created and deleted all the time. */
  readonly ghosts: readonly Course[]
  readonly categories: readonly Category[]
  /** Of no course at first. */
  readonly spareCategory: Category
}

const first = { version: 1, absent: false }

export function createSubjects(): Subjects {
  return {
    courses: range(COURSES).map((id) => {
      const module = new Subject(
        `module of course ${id}`,
        `select title as version from module where course_id = ${id}`,
        first
      )
      const sql = `select title as version from course where id = ${id}`
      return {
        id,
        level: LEVELS[id % 3] ?? 'beginner',
        categoryId: (id % CATEGORIES) + 1,
        title: new Subject(`course ${id}`, sql, first),
        module
      }
    }),
    ghosts: range(GHOSTS).map((n) => {
      const id = FIRST_GHOST_ID + n
      const sql = `select title as version from course where id = ${id}`
      const title = new Subject(`ghost ${id}`, sql, { version: 0, absent: true })
      return { id, level: 'beginner', categoryId: CATEGORY_ID, title, module: null }
    }),
    categories: range(CATEGORIES).map(category),
    spareCategory: category(CATEGORIES + 1)
  }
}

/** What makes a migrated, empty database hold their first versions. */
export const SETUP = `
  insert into app_user (id, email, password_hash, name) values (${AUTHOR_ID}, 'author@example.com', '!', 'Author');
  insert into category (id, slug, name) select n, 'category-' || n, 'v1' from generate_series(1, ${CATEGORIES + 1}) n;
  insert into course (id, slug, title, summary, level, language, status, author_id, category_id)
    select n, 'course-' || n, 'v1', '', (array['beginner', 'intermediate', 'advanced'])[n % 3 + 1]::level, 'en',
      'published', ${AUTHOR_ID}, n % ${CATEGORIES} + 1
    from generate_series(1, ${COURSES}) n;
  insert into module (course_id, title, position) select n, 'v1', 1 from generate_series(1, ${COURSES}) n;`

function category(id: number): Category {
  return { id, name: new Subject(`category ${id}`, `select name as version from category where id = ${id}`, first) }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}
