import { type Static, Type } from 'typebox'
import { Language, Level } from '#courses/shapes.ts'
import { Id, Time } from '#http/ids.ts'
import { pageOf, pageQuery, queryOf } from '#http/paging.ts'
import { line } from '#http/text.ts'
import { FAILURES } from './failures.ts'

export const NewGeneration = Type.Object(
  {
    topic: line(200, 'may be as short as `Go` or `R`'),
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

/** The machine-readable counterpart of `error`. */
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
      description: '`queued` while the status is `running` means that it waits for the budget of questions to the model'
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
      Type.Integer({ description: 'the chapter that is being rewritten' }),
      Type.Null({ description: 'a whole course is written, or the chapter no longer exists' })
    ]),
    error: Type.Union([
      Type.String({
        description: 'why it failed or was cancelled, for people: in Russian for a course in Russian, else in English'
      }),
      Type.Null()
    ]),
    errorCode: Type.Union([Failure, Type.Null()]),
    createdAt: Time,
    updatedAt: Time
  },
  { title: 'Generation' }
)

/** A generation with its owner and its revision. */
export const GenerationRecord = Type.Object({
  ownerId: Type.Integer(),
  revision: Type.Integer(),
  generation: Generation
})

/** A finished chapter and its position, both numbers from 1. */
export const FinishedChapter = Type.Object(
  {
    module: Type.Integer(),
    chapter: Type.Integer(),
    title: Type.String(),
    content: Type.String({ description: 'Markdown' }),
    minutes: Type.Integer()
  },
  { title: 'FinishedChapter', description: 'a finished chapter and its position: both numbers from 1' }
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
      description:
        'a repeated key of the same user returns the same generation; with a different body it is refused with 422'
    })
  )
})

export const LastEventId = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ pattern: '^\\d{1,10}$', description: 'the id of the last event received' })
  )
})

export type NewGeneration = Static<typeof NewGeneration>
export type Generation = Static<typeof Generation>
export type GenerationRecord = Static<typeof GenerationRecord>
export type FinishedChapter = Static<typeof FinishedChapter>

/** Whether the generation is finished, in whatever way. */
export function isOver({ status }: Generation): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
