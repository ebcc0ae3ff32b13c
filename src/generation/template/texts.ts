import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { Check, Errors } from 'typebox/schema'

const exact = { additionalProperties: false }

/** The largest course: there must be texts for all of it. */
const MAX_MODULES = 12
const MAX_CHAPTERS_PER_MODULE = 10

/** In every text `{t}` is replaced by the topic, and `{f}` by what a module is about. Nothing else may be in braces. */
const Text = Type.String({ pattern: '^([^{}]|\\{[tf]\\})+$' })

/** What one module is about. */
const Focus = Type.Object(
  {
    title: Text,
    summary: Text,
    /** A noun phrase, for titles of chapters and in sentences, after a colon or in quotes. */
    name: Text,
    explanation: Text,
    scenario: Text,
    question: Text,
    answer: Text
  },
  exact
)

/** The aspect of the module's focus that one chapter covers. */
const Aspect = Type.Object(
  {
    title: Text,
    objective: Text,
    explanation: Text,
    checklist: Type.Array(Text, { minItems: 1 }),
    exercise: Text,
    question: Text,
    answer: Text
  },
  exact
)

/** The texts of a level. */
const LevelTexts = Type.Object(
  {
    title: Text,
    summary: Text,
    description: Text,
    explanation: Type.Array(Text, { minItems: 1 }),
    exercises: Type.Array(Text, { minItems: 2 }),
    question: Text,
    answer: Text,
    /** Minutes for the exercises of a chapter. */
    practice: Type.Integer({ minimum: 1, maximum: 60 })
  },
  exact
)

const Words = Type.Object(
  {
    objectives: Text,
    afterwards: Text,
    explanation: Text,
    example: Text,
    checklist: Text,
    exercises: Text,
    quiz: Text,
    answers: Text,
    audience: Text,
    modules: Text
  },
  exact
)

const Texts = Type.Object(
  {
    words: Words,
    levels: Type.Object({ beginner: LevelTexts, intermediate: LevelTexts, advanced: LevelTexts }, exact),
    /** In the order in which a course teaches them. */
    focuses: Type.Array(Focus, { minItems: MAX_MODULES }),
    aspects: Type.Array(Aspect, { minItems: MAX_CHAPTERS_PER_MODULE })
  },
  exact
)
export type Texts = Static<typeof Texts>

/** Reads the texts of a language from the JSON file beside this one. Throws if they are incomplete. */
export function readTexts(language: string): Texts {
  return parseTexts(language, readFileSync(new URL(`${language}.json`, import.meta.url), 'utf8'))
}

/** Parses the texts of a file. Throws with the file and the place of the mistake if they do not match the schema. */
export function parseTexts(language: string, json: string): Texts {
  const texts: unknown = JSON.parse(json)
  if (Check(Texts, texts)) return texts
  const wrong = Errors(Texts, texts)[1].map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
  throw new Error(`${language}.json: ${wrong.join('; ')}`)
}
