import { Subject } from './ledger.ts'
import { CATEGORY_ID, COURSE_WORD, MODULE_WORD } from './writes.ts'

const COURSES = 20
const GHOSTS = 4
const DRAFTS = 4
const CATEGORIES = 2
/** The last author has only drafts, which are published from time to time. */
const AUTHORS = 3
/** Ids that are unused until the load creates them. */
const FIRST_GHOST_ID = 1_000_001
const FIRST_DRAFT_ID = 2_000_001
const LEVELS = ['beginner', 'intermediate', 'advanced'] as const

export interface Course {
  readonly id: number
  readonly slug: string
  readonly level: (typeof LEVELS)[number]
  readonly categoryId: number
  readonly title: Subject
  /**
   * The title of its only module and of its second chapter. Nested writes change it together with the title of the
   * course, other writes change it alone. Null for ghosts and drafts.
   */
  readonly module: Subject | null
}

/** A category or an author, whose name courses show. */
export interface Named {
  readonly id: number
  readonly name: Subject
}

/** All subjects of reads and writes. */
export interface Subjects {
  readonly courses: readonly Course[]
  /** Courses that are continually created and deleted. */
  readonly ghosts: readonly Course[]
  /** Courses that are published and withdrawn, and changed while they are drafts. */
  readonly drafts: readonly Course[]
  readonly authors: readonly Named[]
  readonly categories: readonly Named[]
  /** A category without courses at first. */
  readonly spareCategory: Named
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
        slug: `course-${id}`,
        level: LEVELS[id % 3] ?? 'beginner',
        categoryId: (id % CATEGORIES) + 1,
        title: new Subject(`course ${id}`, sql, first),
        module
      }
    }),
    ghosts: range(GHOSTS).map((n) => hidden('ghost', FIRST_GHOST_ID + n, `ghost-${FIRST_GHOST_ID + n}`)),
    drafts: range(DRAFTS).map((n) => hidden('draft', FIRST_DRAFT_ID + n, `draft-${n}`)),
    authors: range(AUTHORS).map((id) => named('author', 'app_user', id)),
    categories: range(CATEGORIES).map((id) => named('category', 'category', id)),
    spareCategory: named('category', 'category', CATEGORIES + 1)
  }
}

/** SQL that writes the first versions to a migrated, empty database. */
export const SETUP = `
  insert into app_user (id, email, password_hash, name)
    select n, 'author-' || n || '@example.com', '!', 'v1' from generate_series(1, ${AUTHORS}) n;
  insert into category (id, slug, name) select n, 'category-' || n, 'v1' from generate_series(1, ${CATEGORIES + 1}) n;
  insert into course (id, slug, title, summary, level, language, status, author_id, category_id)
    select n, 'course-' || n, 'v1', '${COURSE_WORD}', (array['beginner', 'intermediate', 'advanced'])[n % 3 + 1]::level, 'en',
      'published', n % ${AUTHORS - 1} + 1, n % ${CATEGORIES} + 1
    from generate_series(1, ${COURSES}) n;
  insert into course (id, slug, title, summary, level, language, author_id, category_id)
    select ${FIRST_DRAFT_ID} + n, 'draft-' || n, 'v0', '${COURSE_WORD}', 'beginner', 'en', ${AUTHORS}, ${CATEGORY_ID} from generate_series(1, ${DRAFTS}) n;
  insert into module (course_id, title, summary, position) select n, 'v1', '${MODULE_WORD}', 1 from generate_series(1, ${COURSES}) n;
  insert into chapter (id, course_id, module_id, title, content, position)
    select 2 * course_id - 2 + n, course_id, id, 'v1', '', n from module, generate_series(1, 2) n;`

/** A course that is not public initially. */
function hidden(what: string, id: number, slug: string): Course {
  const sql = `select title as version from course where id = ${id} and status = 'published'`
  const title = new Subject(`${what} ${id}`, sql, { version: 0, absent: true })
  return { id, slug, level: 'beginner', categoryId: CATEGORY_ID, title, module: null }
}

/** The first chapter of a course with a module; the second follows it. */
export function firstChapterOf({ id }: Course): number {
  return 2 * id - 1
}

function named(what: string, table: string, id: number): Named {
  return { id, name: new Subject(`${what} ${id}`, `select name as version from ${table} where id = ${id}`, first) }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}
