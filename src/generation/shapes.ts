import { type Static, Type } from 'typebox'
import { Language, Level } from '#courses/shapes.ts'
import { Id, Time } from '#http/ids.ts'
import { pageOf, pageQuery, queryOf } from '#http/paging.ts'
import { line } from '#http/text.ts'
import { FAILURES } from './failures.ts'

export const NewGeneration = Type.Object(
  {
    topic: line(200, 'as short as `Go`, or `R`'),
    audience: Type.Optional(line(200, 'for whom')),
    level: Level,
    language: Language,
    modules: Type.Integer({ minimum: 1, maximum: 12 }),
    chaptersPerModule: Type.Integer({ minimum: 1, maximum: 10 }),
    categoryId: Type.Optional(Id)
  },
  { title: 'NewGeneration', additionalProperties: false }
)

const Outline = Type.Object(
  {
    title: Type.String(),
    summary: Type.String(),
    modules: Type.Array(
      Type.Object({
        title: Type.String(),
        chapters: Type.Array(Type.Object({ title: Type.String(), done: Type.Boolean() }))
      })
    )
  },
  { title: 'GenerationOutline' }
)

/** The same as `error`, for programs. */
const Failure = Type.Enum([...FAILURES], {
  title: 'GenerationFailure',
  type: 'string',
  description: 'why it failed or was cancelled, for programs'
})

export const Generation = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    status: Type.Enum(['queued', 'running', 'completed', 'failed', 'cancelled'], { type: 'string' }),
    stage: Type.Enum(['queued', 'outline', 'chapters', 'saving', 'done'], {
      type: 'string',
      description: '`queued` while the status is `running`: it waits until the model may be asked again'
    }),
    topic: Type.String(),
    progress: Type.Object({
      completed: Type.Integer(),
      total: Type.Integer(),
      percent: Type.Integer({ minimum: 0, maximum: 100 })
    }),
    outline: Type.Union([Outline, Type.Null()]),
    courseId: Type.Union([Type.Integer(), Type.Null()]),
    chapterId: Type.Union([
      Type.Integer({ description: 'the chapter of the course that is written again' }),
      Type.Null({ description: 'a whole course is written, or the chapter is not there any more' })
    ]),
    error: Type.Union([
      Type.String({
        description: 'why it failed or was cancelled, for people: in Russian where the course is, else in English'
      }),
      Type.Null()
    ]),
    errorCode: Type.Union([Failure, Type.Null()]),
    createdAt: Time,
    updatedAt: Time
  },
  { title: 'Generation' }
)

/** A generation, with whose it is and how often it has changed. */
export const GenerationRecord = Type.Object({
  ownerId: Type.Integer(),
  revision: Type.Integer(),
  generation: Generation
})

/** A chapter that is written, and its place, from 1. */
export const FinishedChapter = Type.Object(
  {
    module: Type.Integer(),
    chapter: Type.Integer(),
    title: Type.String(),
    content: Type.String({ description: 'Markdown' }),
    minutes: Type.Integer()
  },
  { title: 'FinishedChapter', description: 'a chapter that is written, and its place: both from 1' }
)

export const FinishedChapterList = Type.Object({ items: Type.Array(FinishedChapter) }, { title: 'FinishedChapterList' })

export const GenerationPage = pageOf(Generation, 'GenerationPage')
export const GenerationQuery = queryOf(pageQuery)
export const GenerationParams = Type.Object({
  id: Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$', description: 'a UUID' })
})

export const IdempotencyKey = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'the same key of the same user returns the same generation; with another body it is refused with 422'
    })
  )
})

export const LastEventId = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ pattern: '^\\d{1,10}$', description: 'the id of the last event that was received' })
  )
})

export type NewGeneration = Static<typeof NewGeneration>
export type Generation = Static<typeof Generation>
export type GenerationRecord = Static<typeof GenerationRecord>
export type FinishedChapter = Static<typeof FinishedChapter>

/** True when nothing more will happen to it. */
export function isOver({ status }: Generation): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
