import { type Static, Type } from 'typebox'
import { Id } from '#http/ids.ts'
import { block, line, optionalLine } from '#http/text.ts'
import { MAX_PARTS } from './positions.ts'
import { CourseParams, Language, Level, Status } from './shapes.ts'

/**
 * The request bodies of authors and admins. Unknown fields are refused, so nobody can set an author, an id or a date.
 */
const exact = { additionalProperties: false }
const change = { ...exact, minProperties: 1 }

const slug = Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 64 })
const position = Type.Integer({
  minimum: 1,
  maximum: 1000,
  description: 'starts at 1; a position past the end means the end'
})
const minutes = Type.Integer({ minimum: 1, maximum: 600 })
/** Markdown, kept as given and never rendered here. */
const content = block(200_000, 'Markdown')

const course = {
  title: line(200),
  summary: line(500),
  description: block(20_000, 'Markdown'),
  level: Level,
  language: Language
}
const categoryId = Type.Union([Id, Type.Null()])

export const NewCourse = Type.Object(
  { ...course, categoryId: Type.Optional(categoryId) },
  { ...exact, title: 'NewCourse' }
)
export const CourseChange = Type.Partial(Type.Object({ ...course, categoryId, status: Status, slug }), {
  ...change,
  title: 'CourseChange'
})

export const NewModule = Type.Object(
  { title: line(200), summary: Type.Optional(optionalLine(500)), position: Type.Optional(position) },
  { ...exact, title: 'NewModule' }
)
export const ModuleChange = Type.Partial(Type.Object({ title: line(200), summary: optionalLine(500), position }), {
  ...change,
  title: 'ModuleChange'
})

export const NewChapter = Type.Object(
  { title: line(200), content, minutes: Type.Optional(minutes), position: Type.Optional(position) },
  { ...exact, title: 'NewChapter' }
)
export const ChapterChange = Type.Partial(Type.Object({ title: line(200), content, minutes, position }), {
  ...change,
  title: 'ChapterChange'
})

/** The order of all modules and chapters of a course. */
export const Outline = Type.Object(
  {
    modules: Type.Array(
      Type.Object({ id: Id, chapters: Type.Array(Id, { maxItems: MAX_PARTS }) }, { ...exact, title: 'OutlineModule' }),
      { maxItems: MAX_PARTS }
    )
  },
  { ...exact, title: 'Outline' }
)

export const NewCategory = Type.Object(
  { slug, name: line(100), description: Type.Optional(block(1000)) },
  { ...exact, title: 'NewCategory' }
)
export const CategoryChange = Type.Partial(Type.Object({ slug, name: line(100), description: block(1000) }), {
  ...change,
  title: 'CategoryChange'
})

export const ModuleParams = Type.Object({ ...CourseParams.properties, moduleId: Id })

export type NewCourse = Static<typeof NewCourse>
export type CourseChange = Static<typeof CourseChange>
export type NewModule = Static<typeof NewModule>
export type ModuleChange = Static<typeof ModuleChange>
export type NewChapter = Static<typeof NewChapter>
export type ChapterChange = Static<typeof ChapterChange>
export type Outline = Static<typeof Outline>
export type NewCategory = Static<typeof NewCategory>
export type CategoryChange = Static<typeof CategoryChange>
