import type { Outline } from './answers.ts'

export type Level = 'beginner' | 'intermediate' | 'advanced'

/** The course that a user requests. */
export interface Brief {
  /** Only for the rewrite of a chapter: the id of its generation, which keeps the prompt from hitting the cache. */
  readonly again?: string
  readonly topic: string
  readonly audience: string | null
  readonly level: Level
  /** BCP 47, such as `ru` or `en-GB`. */
  readonly language: string
  readonly modules: number
  readonly chaptersPerModule: number
}

/** The position of a chapter in its course: both numbers from 1. */
export interface Place {
  readonly module: number
  readonly chapter: number
}

/** What a language model is sent. It contains everything the answer depends on, because it is the cache key. */
export interface Prompt {
  readonly system: string
  readonly user: string
}

export interface OutlineQuestion {
  readonly brief: Brief
  readonly prompt: Prompt
}

export interface ChapterQuestion {
  readonly brief: Brief
  readonly outline: Outline
  readonly place: Place
  readonly prompt: Prompt
}

const SYSTEM =
  'You write courses for a learning platform. You are accurate, concrete and friendly; you explain before you name, ' +
  'give examples from practice, and never pad. You answer with JSON in the given schema and nothing else.'

export function askForOutline(brief: Brief): OutlineQuestion {
  const user = [
    describe(brief),
    `Plan it: a title, a summary of one or two sentences, a description in Markdown, and exactly ${brief.modules} modules of ` +
      `exactly ${brief.chaptersPerModule} chapters each. Every module builds on those before it; every chapter teaches one thing. ` +
      'Titles are short and say what one learns.'
  ]
  return { brief, prompt: { system: SYSTEM, user: user.join('\n\n') } }
}

export function askForChapter(brief: Brief, outline: Outline, place: Place): ChapterQuestion {
  const { module, title } = find(outline, place)
  const { again } = brief
  const number = again === undefined ? ` ${place.module}.${place.chapter},` : ''
  const user = [
    describe(brief),
    `The course "${outline.title}" has this plan:\n${again === undefined ? planOf(outline) : outline.description}`,
    `Write chapter${number} "${title}", of the module "${module.title}": Markdown with "##" headings ` +
      '(no heading for the title itself): what one can do afterwards, the explanation with examples, a worked example or a ' +
      'common mistake, two or three exercises, and a quiz of three questions with answers. Do not repeat other chapters. ' +
      'Also say how many minutes it takes.'
  ]
  if (again !== undefined)
    user.push(`It has been written before: write it again, better and differently. (Request ${again}.)`)
  return { brief, outline, place, prompt: { system: SYSTEM, user: user.join('\n\n') } }
}

/** The module and the chapter title at a place. Throws `RangeError` for a place outside the outline. */
export function find(outline: Outline, place: Place): { module: Outline['modules'][number]; title: string } {
  const module = outline.modules[place.module - 1]
  const chapter = module?.chapters[place.chapter - 1]
  if (module === undefined || chapter === undefined) {
    throw new RangeError(`the outline has no chapter ${place.module}.${place.chapter}`)
  }
  return { module, title: chapter.title }
}

function describe({ topic, audience, level, language }: Brief): string {
  const facts = [`Topic: ${topic}`, `Level: ${level}`, `Language of everything you write (BCP 47): ${language}`]
  if (audience !== null) facts.push(`Audience: ${audience}`)
  return `A course is wanted.\n${facts.join('\n')}`
}

interface Titled {
  readonly title: string
  readonly chapters: readonly { readonly title: string }[]
}

/** The titles of a course, one per line. */
export function planOf({ modules }: { modules: readonly Titled[] }): string {
  return modules
    .flatMap((module, m) => [
      `${m + 1}. ${module.title}`,
      ...module.chapters.map(({ title }, c) => `   ${m + 1}.${c + 1} ${title}`)
    ])
    .join('\n')
}
