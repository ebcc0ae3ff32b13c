import type { ChapterText, Outline } from './answers.ts'
import { type Failure, GenerationFailure } from './failures.ts'
import type { ChapterQuestion, OutlineQuestion } from './questions.ts'

/** The cost of an answer, in tokens. */
export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
}

export const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0 }

export interface Answer<T> {
  readonly value: T
  readonly usage: Usage
}

/** Resolves once a question may be sent to a model that costs money. */
export type Admit = () => Promise<void>

/**
 * Writes the texts of courses. Answers match the schema; a provider that cannot get such an answer throws `ModelError`.
 * When `signal` aborts, it stops and throws.
 */
export interface ModelProvider {
  readonly name: string
  readonly model: string
  /** The languages it can write, such as `ru`; null: any. */
  readonly languages: readonly string[] | null
  /** `admit` is called before each question that is sent. */
  outline(question: OutlineQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<Outline>>
  chapter(question: ChapterQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<ChapterText>>
}

/**
 * The model failed for good, after all retries. The message is for the log and the terminal: it contains no key and no
 * URL.
 */
export class ModelError extends GenerationFailure {
  override readonly name = 'ModelError'
  /** The cost of the unusable answers. */
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

/** Why a provider cannot write a language; null if it can. */
export function languageProblem(
  { name, languages }: Pick<ModelProvider, 'name' | 'languages'>,
  language: string
): string | null {
  const [primary = ''] = language.toLowerCase().split('-')
  if (languages === null || languages.includes(primary)) return null
  return `language must be ${languages.join(' or ')}: the provider "${name}" writes no other`
}
