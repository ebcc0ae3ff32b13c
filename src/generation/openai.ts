import type { Log } from '#logging/log.ts'
import { ChapterText, type Outline, outlineSchema } from './answers.ts'
import { askForForm } from './model/asking.ts'
import { type ClientParts, type ClientSettings, ModelClient } from './model/client.ts'
import { isEmpty, problemsOf, tidied } from './model/quality.ts'
import { type Admit, type Answer, ModelError, type ModelProvider } from './provider.ts'
import { type ChapterQuestion, find, type OutlineQuestion } from './questions.ts'

const DEFAULT_MODEL = 'gpt-5-mini'

export interface OpenAISettings extends Omit<ClientSettings, 'model'> {
  readonly model: string | null
}

/** Any server with OpenAI's API for chat completions, or something like it: `model/` knows what they differ in. */
export class OpenAIProvider implements ModelProvider {
  readonly name = 'openai'
  readonly model: string
  readonly languages = null
  /** What it had to do without; for who tries a server. */
  readonly client: ModelClient
  readonly #log: Log | null
  /** The chapters of each course that is written now. */
  readonly #chapters = new WeakMap<Outline, string[]>()

  constructor({ model, ...settings }: OpenAISettings, parts: ClientParts = {}) {
    this.model = model ?? DEFAULT_MODEL
    this.client = new ModelClient({ ...settings, model: this.model }, parts)
    this.#log = parts.log ?? null
  }

  outline({ brief, prompt }: OutlineQuestion, signal: AbortSignal, admit: Admit = free): Promise<Answer<Outline>> {
    const schema = outlineSchema(brief.modules, brief.chaptersPerModule)
    return askForForm(this.client, { name: 'outline', prompt, schema, signal, admit })
  }

  async chapter(question: ChapterQuestion, signal: AbortSignal, admit: Admit = free): Promise<Answer<ChapterText>> {
    const { brief, outline, place, prompt } = question
    const others = this.#chapters.get(outline) ?? []
    this.#chapters.set(outline, others)
    const problems = (chapter: ChapterText) => problemsOf(tidied(chapter), brief.language, others)
    const answer = await askForForm(this.client, {
      name: 'chapter',
      prompt,
      schema: ChapterText,
      problems,
      signal,
      admit
    })
    const value = tidied(answer.value)
    if (isEmpty(value)) throw new ModelError('MODEL_BAD_ANSWER', 'the model gave a chapter without a word', answer)
    const left = problemsOf(value, brief.language, others)
    if (left.length > 0) {
      this.#log?.warn(
        { course: outline.title, chapter: find(outline, place).title, problems: left },
        'a chapter is taken as it is: the model wrote it twice'
      )
    }
    others.push(value.content)
    return { value, usage: answer.usage }
  }
}

async function free(): Promise<void> {}
