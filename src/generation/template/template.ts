import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChapterText, Outline } from '../answers.ts'
import { type Answer, ModelError, type ModelProvider, NO_USAGE } from '../provider.ts'
import { type Brief, type ChapterQuestion, find, type OutlineQuestion, type Place } from '../questions.ts'
import { readTexts } from './texts.ts'

const LANGUAGES = new Map(['en', 'ru'].map((language) => [language, readTexts(language)]))

/** Which modules a short course has, most important first; they are taught in the order of the texts. */
const FOCUSES_BY_WEIGHT = [0, 1, 4, 2, 3, 5, 8, 6, 9, 7, 10, 11]
/** Which aspects of its focus a short module covers. */
const ASPECTS_BY_WEIGHT = [0, 3, 4, 1, 5, 7, 2, 8, 6, 9]

const TOPIC_IN_TITLE = 120
const WORDS_A_MINUTE = 160

/**
 * Writes courses without any model: offline and deterministic. It knows nothing about the topic; its texts explain how
 * to learn one, in Russian and English, at three levels.
 */
export class TemplateProvider implements ModelProvider {
  readonly name = 'template'
  readonly model = 'template-1'
  readonly languages = [...LANGUAGES.keys()]

  async outline({ brief }: OutlineQuestion, signal: AbortSignal): Promise<Answer<Outline>> {
    await yieldToOthers(signal)
    const { levels, focuses, aspects, words } = textsFor(brief)
    const level = levels[brief.level]
    const [title, fill] = [titler(brief), filler(brief)]
    const chosen = mostImportant(focuses, FOCUSES_BY_WEIGHT, brief.modules)
    const description = [
      fill(level.description),
      ...(brief.audience === null ? [] : [`${words.audience}: ${markdown(brief.audience)}.`]),
      `${words.modules}:`,
      chosen.map(({ title, summary }) => `- **${title}.** ${fill(summary)}`).join('\n')
    ]
    const modules = chosen.map((focus) => ({
      title: focus.title,
      summary: title(focus.summary),
      chapters: mostImportant(aspects, ASPECTS_BY_WEIGHT, brief.chaptersPerModule).map((aspect) => ({
        title: titleOf({ focus, aspect })
      }))
    }))
    const value = {
      title: title(level.title),
      summary: title(level.summary),
      description: description.join('\n\n'),
      modules
    }
    return { value, usage: NO_USAGE }
  }

  async chapter({ brief, outline, place }: ChapterQuestion, signal: AbortSignal): Promise<Answer<ChapterText>> {
    await yieldToOthers(signal)
    const { levels, focuses, aspects, words } = textsFor(brief)
    const level = levels[brief.level]
    const { title } = find(outline, place)
    const pick = chooser(brief, place, title)
    // A title that is not from these texts may be about anything.
    const all = focuses.flatMap((focus) => aspects.map((aspect) => ({ focus, aspect })))
    const [sides] = [...all.filter((sides) => titleOf(sides) === title), ...pick(all, 1)]
    if (sides === undefined) throw new RangeError('there are no texts')
    const { focus, aspect } = sides

    const exercises = [aspect.exercise, ...pick(level.exercises, 2)]
    const quiz = [focus, aspect, level]
    const parts = [
      `## ${words.objectives}\n\n${words.afterwards}\n\n- ${aspect.objective}\n- ${focus.question}`,
      `## ${words.explanation}\n\n${[focus.explanation, aspect.explanation, ...pick(level.explanation, 1)].join('\n\n')}`,
      `## ${words.example}\n\n${focus.scenario}`,
      `## ${words.checklist}\n\n${aspect.checklist.map((item) => `- [ ] ${item}`).join('\n')}`,
      `## ${words.exercises}\n\n${numbered(exercises)}`,
      `## ${words.quiz}\n\n${numbered(quiz.map(({ question }) => question))}`,
      `### ${words.answers}\n\n${numbered(quiz.map(({ answer }) => answer))}`
    ]
    const fill = filler(brief)
    const content = fill(parts.join('\n\n').replaceAll('{f}', focus.name))
    const minutes = Math.ceil(content.split(/\s+/).length / WORDS_A_MINUTE) + level.practice
    return { value: { minutes, content }, usage: NO_USAGE }
  }
}

function titleOf({ focus, aspect }: { focus: { name: string }; aspect: { title: string } }): string {
  return `${aspect.title}: ${focus.name}`
}

/** Nothing else here is asynchronous: without this, a large course would block the event loop. */
async function yieldToOthers(signal: AbortSignal): Promise<void> {
  await nextTurn()
  signal.throwIfAborted()
}

function textsFor({ language }: Brief) {
  const texts = LANGUAGES.get(language.toLowerCase().split('-')[0] ?? '')
  if (texts === undefined) throw new ModelError('MODEL_REFUSED', `the template provider cannot write "${language}"`)
  return texts
}

/** The `count` most important items, in their original order. */
function mostImportant<T>(all: readonly T[], byWeight: readonly number[], count: number): T[] {
  const chosen = new Set(byWeight.slice(0, count))
  return all.filter((_, index) => chosen.has(index))
}

/** Replaces `{t}` by the topic in a line of text. */
function titler({ topic }: Brief): (text: string) => string {
  const name = oneLine(topic)
  const short = name.length > TOPIC_IN_TITLE ? `${oneLine(name.slice(0, TOPIC_IN_TITLE))}…` : name
  return (text) => text.replaceAll('{t}', () => short)
}

/** Replaces `{t}` by the topic in Markdown. */
function filler({ topic }: Brief): (text: string) => string {
  const name = markdown(topic)
  return (text) => text.replaceAll('{t}', () => name)
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').toWellFormed().trim()
}

/** Escapes text for Markdown, so that nothing in it is markup or HTML (CommonMark, "Backslash escapes"). */
function markdown(text: string): string {
  return oneLine(text).replace(/[<>&`*_[\]{}|\\#~$]/g, '\\$&')
}

/** Picks texts by a digest of the brief and the place: different topics read differently, the same one always alike. */
function chooser(brief: Brief, place: Place, title: string) {
  const seed = [brief.topic, brief.audience, brief.level, place.module, place.chapter, title, brief.again].join('\n')
  const digest = createHash('sha256').update(seed).digest()
  return <T>(texts: readonly T[], count: number): T[] => {
    const start = digest.readUInt32BE(0) % texts.length
    return Array.from({ length: count }, (_, i) => texts[(start + i) % texts.length]).filter(
      (text) => text !== undefined
    )
  }
}

function numbered(items: readonly string[]): string {
  return items.map((item, index) => `${index + 1}. ${item}`).join('\n')
}
