import type { Level } from '../questions.ts'

/** In every text `{t}` stands for the topic, `{f}` for what a module is about. */

/** What one module is about. */
export interface Focus {
  readonly title: string
  readonly summary: string
  /** A noun phrase, for titles of chapters and in sentences, after a colon or in quotes. */
  readonly name: string
  readonly explanation: string
  readonly scenario: string
  readonly question: string
  readonly answer: string
}

/** From which side one chapter looks at the focus of its module. */
export interface Aspect {
  readonly title: string
  readonly objective: string
  readonly explanation: string
  readonly checklist: readonly string[]
  readonly exercise: string
  readonly question: string
  readonly answer: string
}

/** How a level speaks, and what it asks for. */
export interface LevelTexts {
  readonly title: string
  readonly summary: string
  readonly description: string
  readonly explanation: readonly string[]
  readonly exercises: readonly string[]
  readonly question: string
  readonly answer: string
  /** Minutes for the exercises of a chapter. */
  readonly practice: number
}

export interface Texts {
  readonly words: {
    readonly objectives: string
    readonly afterwards: string
    readonly explanation: string
    readonly example: string
    readonly checklist: string
    readonly exercises: string
    readonly quiz: string
    readonly answers: string
    readonly audience: string
    readonly modules: string
  }
  readonly levels: Readonly<Record<Level, LevelTexts>>
  /** In the order in which a course teaches them. */
  readonly focuses: readonly Focus[]
  readonly aspects: readonly Aspect[]
}
