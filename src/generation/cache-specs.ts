import { Type } from 'typebox'
import { type CacheSpec, digestOf, kindOf } from '#cache'
import { FinishedChapter, GenerationRecord } from './shapes.ts'

const MINUTE_MS = 60_000
const kinds = {
  generation: kindOf(GenerationRecord, 0),
  chapters: kindOf(Type.Array(FinishedChapter), 0),
  /** The schema is part of the question; `CachedProvider` checks the cached answer against it. */
  modelAnswer: kindOf(Type.Unknown(), 0)
}

export const tags = { generation: (id: string) => `generation:${id}` }

export const specs = {
  generation: (id: string): CacheSpec => ({
    key: `generation:${id}`,
    ...kinds.generation,
    tags: [tags.generation(id)],
    ttlMs: 120 * MINUTE_MS,
    strict: true
  }),
  generationChapters: (id: string): CacheSpec => ({
    key: `generation:${id}:chapters`,
    ...kinds.chapters,
    tags: [tags.generation(id)],
    ttlMs: 60 * MINUTE_MS,
    strict: true
  }),
  /** What a model answered to `question`, which names provider, model, prompt and options. */
  modelAnswer: (question: object): CacheSpec => ({
    key: `generation:llm:${digestOf(question)}`,
    ...kinds.modelAnswer,
    tags: [],
    ttlMs: 120 * MINUTE_MS
  })
}
