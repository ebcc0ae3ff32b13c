import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import type { Cache } from '#cache'
import { ChapterText, type Outline, outlineSchema } from './answers.ts'
import { specs } from './cache-specs.ts'
import { type Admit, type Answer, type ModelProvider, NO_USAGE } from './provider.ts'
import type { ChapterQuestion, OutlineQuestion, Prompt } from './questions.ts'

/** Caches the answers of a provider for two hours: asking the same model the same question again costs nothing. */
export class CachedProvider implements ModelProvider {
  readonly #provider: ModelProvider
  readonly #cache: Cache

  constructor(provider: ModelProvider, cache: Cache) {
    this.#provider = provider
    this.#cache = cache
  }

  get name(): string {
    return this.#provider.name
  }

  get model(): string {
    return this.#provider.model
  }

  get languages(): readonly string[] | null {
    return this.#provider.languages
  }

  outline(question: OutlineQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<Outline>> {
    const schema = outlineSchema(question.brief.modules, question.brief.chaptersPerModule)
    return this.#cached(question.prompt, schema, () => this.#provider.outline(question, signal, admit))
  }

  chapter(question: ChapterQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<ChapterText>> {
    return this.#cached(question.prompt, ChapterText, () => this.#provider.chapter(question, signal, admit))
  }

  async #cached<T extends TSchema>(
    prompt: Prompt,
    schema: T,
    ask: () => Promise<Answer<Static<T>>>
  ): Promise<Answer<Static<T>>> {
    const spec = specs.modelAnswer({
      provider: this.name,
      model: this.model,
      ...prompt,
      schema: JSON.stringify(schema)
    })
    // No single flight: of two generations with the same question, one may be cancelled while the other waits for its
    // answer.
    const cached: unknown = await this.#cache.get(spec)
    if (Check(schema, cached)) return { value: cached, usage: NO_USAGE }
    const answer = await ask()
    await this.#cache.set(spec, answer.value)
    return answer
  }
}
