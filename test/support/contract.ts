import type { Static, TObject, TProperties, TSchema } from 'typebox'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

/**
 * The shapes of the HTTP contract, written from its document and not from the code. Extra fields are errors, like
 * missing ones.
 */

const exactly = <T extends TProperties>(properties: T): TObject<T> =>
  Type.Object(properties, { additionalProperties: false })

const id = Type.Integer({ minimum: 1 })
const count = Type.Integer({ minimum: 0 })
const text = Type.String({ minLength: 1 })
const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' })

export const Category = exactly({ id, slug: text, name: text, description: Type.String() })
export const CategoryList = exactly({ items: Type.Array(Category) })

const courseItem = {
  id,
  slug: text,
  title: text,
  summary: Type.String(),
  level: Type.Enum(['beginner', 'intermediate', 'advanced']),
  language: Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$' }),
  status: Type.Enum(['draft', 'published']),
  category: Type.Union([exactly({ id, slug: text, name: text }), Type.Null()]),
  author: exactly({ id, name: text }),
  moduleCount: count,
  chapterCount: count,
  createdAt: time,
  updatedAt: time
}

const place = { id, title: text, position: Type.Integer({ minimum: 1 }) }
const minutes = Type.Integer({ minimum: 1 })

export const Module = exactly({
  ...place,
  summary: Type.String(),
  chapters: Type.Array(exactly({ ...place, minutes }))
})
export const ModuleList = exactly({ items: Type.Array(Module) })
const link = Type.Union([exactly({ id, title: text }), Type.Null()])
export const Chapter = exactly({
  ...place,
  minutes,
  courseId: id,
  moduleId: id,
  content: text,
  previous: link,
  next: link
})

/** Searches report where they found their words. */
const highlight = exactly({
  field: Type.Enum(['title', 'summary', 'description', 'module', 'chapter']),
  parts: Type.Array(exactly({ text, found: Type.Boolean() }), { minItems: 1 })
})
export const CourseItem = exactly({ ...courseItem, highlight: Type.Optional(highlight) })
export const Course = exactly({ ...courseItem, description: Type.String(), modules: Type.Array(Module) })
export const CoursePage = exactly({
  items: Type.Array(CourseItem),
  page: id,
  limit: Type.Integer({ minimum: 1, maximum: 100 }),
  total: count,
  pages: count
})

export const ErrorBody = exactly({
  statusCode: Type.Integer({ minimum: 400, maximum: 599 }),
  code: Type.String({ pattern: '^[A-Z][A-Z0-9_]+$' }),
  error: text,
  message: text,
  requestId: text
})

const redis = Type.Enum(['up', 'read-only', 'partial', 'down', 'embedded'])
export const Health = exactly({
  status: Type.Enum(['ok', 'degraded', 'down']),
  version: text,
  commit: Type.Optional(text),
  checks: exactly({
    database: Type.Optional(Type.Enum(['up', 'read-only', 'down'])),
    redis: Type.Optional(redis),
    sessions: Type.Optional(redis),
    limits: Type.Optional(redis),
    queue: Type.Optional(Type.Enum(['up', 'no-workers', 'down']))
  }),
  reasons: Type.Array(text)
})

export const Statistics = exactly({
  courses: count,
  publishedCourses: count,
  users: count,
  enrollments: count,
  completedChapters: count,
  topCourses: Type.Array(exactly({ id, title: text, enrollments: count }), { maxItems: 5 })
})

/** The value of a JSON text; throws if it does not have the shape, and says where. */
export function parse<const T extends TSchema>(shape: T, json: string): Static<T> {
  const value: unknown = JSON.parse(json)
  if (Value.Check(shape, value)) return value
  const errors = Value.Errors(shape, value).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
  throw new Error(`does not match the contract: ${errors.slice(0, 5).join('; ')}\n${json.slice(0, 500)}`)
}
