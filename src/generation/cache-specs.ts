import { Type } from 'typebox'
import { type CacheSpec, digestOf, shapeOf } from '#cache'
import { FinishedChapter, GenerationRecord } from './shapes.ts'

const MINUTE_MS = 60_000
const shapes = {
  generation: shapeOf(GenerationRecord, 0),
  chapters: shapeOf(Type.Array(FinishedChapter), 0),
  /** The question says what is expected, and the answer is checked. */
  modelAnswer: shapeOf(Type.Unknown(), 0)
}

export const tags = { generation: (id: string) => `generation:${id}` }

export const specs = {
  generation: (id: string): CacheSpec => ({
    key: `generation:${id}`,
    shape: shapes.generation,
    tags: [tags.generation(id)],
    ttlMs: 120 * MINUTE_MS,
    strict: true
  }),
  generationChapters: (id: string): CacheSpec => ({
    key: `generation:${id}:chapters`,
    shape: shapes.chapters,
    tags: [tags.generation(id)],
    ttlMs: 60 * MINUTE_MS,
    strict: true
  }),
  /** What a model answered to `question`, which names provider, model, prompt and options. */
  modelAnswer: (question: object): CacheSpec => ({
    key: `generation:llm:${digestOf(question)}`,
    shape: shapes.modelAnswer,
    tags: [],
    ttlMs: 120 * MINUTE_MS
  })
}
