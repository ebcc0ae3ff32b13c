import type { ChapterText, Outline } from './answers.ts'
import { type Failure, GenerationFailure } from './failures.ts'
import type { ChapterQuestion, OutlineQuestion } from './questions.ts'

/** What an answer cost, in tokens of the model. */
export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
}

export const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0 }

export interface Answer<T> {
  readonly value: T
  readonly usage: Usage
}

/** Resolves once a question may go out to a model that costs money. */
export type Admit = () => Promise<void>

/**
 * Who writes courses. An answer has the form that was asked for; a provider that cannot get one throws `ModelError`.
 * When `signal` aborts, it stops and throws.
 */
export interface ModelProvider {
  readonly name: string
  readonly model: string
  /** The languages it writes, as `ru`; null where it takes any. */
  readonly languages: readonly string[] | null
  /** `admit` is called before each question that goes out. */
  outline(question: OutlineQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<Outline>>
  chapter(question: ChapterQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<ChapterText>>
}

/** The model failed for good, after its retries. The message is for the log and the terminal: it names no key and no URL. */
export class ModelError extends GenerationFailure {
  override readonly name = 'ModelError'
  /** What the answers that were no use have cost. */
  readonly usage: Usage

  constructor(
    failure: Failure,
    message: string,
    { usage = NO_USAGE, ...options }: ErrorOptions & { usage?: Usage } = {}
  ) {
    super(failure, message, options)
    this.usage = usage
  }
}

/** Why a provider does not write a language; null where it does. */
export function languageProblem(
  { name, languages }: Pick<ModelProvider, 'name' | 'languages'>,
  language: string
): string | null {
  const [primary = ''] = language.toLowerCase().split('-')
  if (languages === null || languages.includes(primary)) return null
  return `language must be ${languages.join(' or ')}: the provider "${name}" writes no other`
}
