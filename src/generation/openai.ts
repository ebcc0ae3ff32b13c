import type { Log } from '#logging/log.ts'
import { ChapterText, type Outline, outlineSchema } from './answers.ts'
import { askForJson } from './model/asking.ts'
import { type ClientParts, type ClientSettings, ModelClient } from './model/client.ts'
import { isEmpty, problemsOf, tidyChapter } from './model/quality.ts'
import { type Admit, type Answer, ModelError, type ModelProvider } from './provider.ts'
import { type ChapterQuestion, find, type OutlineQuestion } from './questions.ts'

const DEFAULT_MODEL = 'gpt-5-mini'

export interface OpenAISettings extends Omit<ClientSettings, 'model'> {
  readonly model: string | null
}

/** Any server with an API like OpenAI's chat completions; `model/` deals with the differences. */
export class OpenAIProvider implements ModelProvider {
  readonly name = 'openai'
  readonly model: string
  readonly languages = null
  /** For `check-model`, which prints what the server does not support. */
  readonly client: ModelClient
  readonly #log: Log | null
  /** The chapters written so far, for each course under way. */
  readonly #chapters = new WeakMap<Outline, string[]>()

  constructor({ model, ...settings }: OpenAISettings, parts: ClientParts = {}) {
    this.model = model ?? DEFAULT_MODEL
    this.client = new ModelClient({ ...settings, model: this.model }, parts)
    this.#log = parts.log ?? null
  }

  outline(
    { brief, prompt }: OutlineQuestion,
    signal: AbortSignal,
    admit: Admit = admitAtOnce
  ): Promise<Answer<Outline>> {
    const schema = outlineSchema(brief.modules, brief.chaptersPerModule)
    return askForJson(this.client, { name: 'outline', prompt, schema, signal, admit })
  }

  async chapter(
    question: ChapterQuestion,
    signal: AbortSignal,
    admit: Admit = admitAtOnce
  ): Promise<Answer<ChapterText>> {
    const { brief, outline, place, prompt } = question
    const others = this.#chapters.get(outline) ?? []
    this.#chapters.set(outline, others)
    const problems = (chapter: ChapterText) => problemsOf(tidyChapter(chapter), brief.language, others)
    const answer = await askForJson(this.client, {
      name: 'chapter',
      prompt,
      schema: ChapterText,
      problems,
      signal,
      admit
    })
    const value = tidyChapter(answer.value)
    if (isEmpty(value)) throw new ModelError('MODEL_BAD_ANSWER', 'the model gave an empty chapter', answer)
    const left = problemsOf(value, brief.language, others)
    if (left.length > 0) {
      this.#log?.warn(
        { course: outline.title, chapter: find(outline, place).title, problems: left },
        'a chapter is kept although it has problems: a second attempt did not fix them'
      )
    }
    others.push(value.content)
    return { value, usage: answer.usage }
  }
}

async function admitAtOnce(): Promise<void> {}
