import { type Static, type TSchema, Type } from 'typebox'
import { Id, Time } from '#http/ids.ts'
import { pageOf, pageQuery, queryOf } from '#http/paging.ts'
import { optionalLine } from '#http/text.ts'

/**
 * The shapes of the catalogue in the HTTP contract. Types, validation, serialization and OpenAPI are derived from them.
 */

const slug = Type.String({ pattern: '^[a-z0-9-]+$', maxLength: 64 })

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const Level = Type.Enum(['beginner', 'intermediate', 'advanced'], { title: 'Level', type: 'string' })
export const Status = Type.Enum(['draft', 'published'], { title: 'CourseStatus', type: 'string' })

/** A BCP 47 language tag, such as `ru` or `pt-BR`. */
export const Language = Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$', maxLength: 35 })

export const Category = Type.Object(
  {
    id: Type.Integer(),
    slug: Type.String(),
    name: Type.String(),
    description: Type.String()
  },
  { title: 'Category' }
)

export const ChapterItem = Type.Object(
  {
    id: Type.Integer(),
    title: Type.String(),
    position: Type.Integer(),
    minutes: Type.Integer()
  },
  { title: 'ChapterItem' }
)

export const Module = Type.Object(
  {
    id: Type.Integer(),
    title: Type.String(),
    summary: Type.String(),
    position: Type.Integer(),
    chapters: Type.Array(ChapterItem)
  },
  { title: 'Module' }
)

export const ChapterLink = Type.Object({ id: Type.Integer(), title: Type.String() }, { title: 'ChapterLink' })

export const Chapter = Type.Object(
  {
    id: Type.Integer(),
    courseId: Type.Integer(),
    moduleId: Type.Integer(),
    title: Type.String(),
    position: Type.Integer(),
    minutes: Type.Integer(),
    content: Type.String({ description: 'Markdown' }),
    previous: nullable(ChapterLink),
    next: nullable(ChapterLink)
  },
  { title: 'Chapter' }
)

const courseItem = {
  id: Type.Integer(),
  slug: Type.String(),
  title: Type.String(),
  summary: Type.String(),
  level: Level,
  language: Type.String({ description: 'BCP 47' }),
  status: Status,
  category: nullable(Type.Object({ id: Type.Integer(), slug: Type.String(), name: Type.String() })),
  author: Type.Object({ id: Type.Integer(), name: Type.String() }),
  moduleCount: Type.Integer(),
  chapterCount: Type.Integer(),
  createdAt: Time,
  updatedAt: Time
}

export const Highlight = Type.Object(
  {
    field: Type.Enum(['title', 'summary', 'description', 'module', 'chapter'], { type: 'string' }),
    parts: Type.Array(Type.Object({ text: Type.String(), found: Type.Boolean() }), {
      description: 'plain text in pieces: not HTML, so escape it like any other text'
    })
  },
  {
    title: 'Highlight',
    description: 'where a search found its words; absent if there is nothing to show, as in a list without a search'
  }
)

export const CourseItem = Type.Object({ ...courseItem, highlight: Type.Optional(Highlight) }, { title: 'CourseItem' })

export const Course = Type.Object(
  {
    ...courseItem,
    description: Type.String({ description: 'Markdown' }),
    modules: Type.Array(Module)
  },
  { title: 'Course' }
)

/** The course to which a slug leads, and its current slug. */
export const CourseSlug = Type.Object({ id: Type.Integer(), slug: Type.String() })

export const CategoryList = Type.Object({ items: Type.Array(Category) }, { title: 'CategoryList' })
export const ModuleList = Type.Object({ items: Type.Array(Module) }, { title: 'ModuleList' })
export type ModuleList = Static<typeof ModuleList>
export const CoursePage = pageOf(CourseItem, 'CoursePage')

export const CategoryParams = Type.Object({ slug })
export const CategoryDeletion = queryOf({
  moveTo: Type.Optional(Type.String({ ...slug, description: 'slug of the category to move its courses to' }))
})
export const CourseParams = Type.Object({ id: Id })
/** Longer than what an author may choose, because the slug of a new course consists of its title and its id. */
export const SlugParams = Type.Object({ slug: Type.String({ ...slug, maxLength: 80 }) })
export const ChapterParams = Type.Object({ id: Id, chapterId: Id })

export const CourseQuery = queryOf({
  ...pageQuery,
  category: Type.Optional(Type.String({ ...slug, description: 'slug of a category' })),
  level: Type.Optional(Level),
  language: Type.Optional(Language),
  author: Type.Optional(Type.Integer({ ...Id, description: 'id of a user' })),
  search: Type.Optional(
    Type.String({
      ...optionalLine(200),
      minLength: 1,
      description:
        'words in any order and form, of which the first 16 count, and the last may be incomplete; searched in titles, summaries, descriptions and chapters'
    })
  ),
  sort: Type.Optional(
    Type.Enum(['-createdAt', 'createdAt', 'title', '-updatedAt', 'relevance'], {
      type: 'string',
      description:
        'by default `relevance` with `search`, otherwise `-createdAt`, which is also what `relevance` means without `search`'
    })
  )
})

export const AuthoredQuery = queryOf({
  ...pageQuery,
  status: Type.Optional(Status),
  search: Type.Optional(
    Type.String({
      ...optionalLine(100),
      minLength: 1,
      description:
        'words in title and summary, in any order and form, of which the last may be incomplete; searches the newest 3,000 courses'
    })
  ),
  sort: Type.Enum(['-createdAt', 'createdAt', 'title', '-updatedAt'], { type: 'string', default: '-createdAt' })
})

export type Category = Static<typeof Category>
export type Module = Static<typeof Module>
export type ChapterLink = Static<typeof ChapterLink>
export type Chapter = Static<typeof Chapter>
export type Highlight = Static<typeof Highlight>
export type CourseSlug = Static<typeof CourseSlug>
export type CourseItem = Static<typeof CourseItem>
export type Course = Static<typeof Course>
export type AuthoredQuery = Static<typeof AuthoredQuery>
export type CourseQuery = Static<typeof CourseQuery>
