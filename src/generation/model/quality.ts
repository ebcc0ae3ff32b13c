import type { ChapterText } from '../answers.ts'

/** What the letters of a chapter are at least, and what share of them is in the script of its language. */
const MIN_LETTERS = 300
const MIN_LETTERS_OF_SIGNS = 100
const MIN_SHARE = 0.3

/** Which letters a script has, by what `Intl.Locale` calls it. */
const SCRIPTS: Readonly<Record<string, RegExp>> = {
  Latn: /\p{Script=Latin}/gu,
  Cyrl: /\p{Script=Cyrillic}/gu,
  Grek: /\p{Script=Greek}/gu,
  Hebr: /\p{Script=Hebrew}/gu,
  Arab: /\p{Script=Arabic}/gu,
  Deva: /\p{Script=Devanagari}/gu,
  Geor: /\p{Script=Georgian}/gu,
  Armn: /\p{Script=Armenian}/gu,
  Thai: /\p{Script=Thai}/gu,
  Hans: /\p{Script=Han}/gu,
  Hant: /\p{Script=Han}/gu,
  Jpan: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu,
  Kore: /[\p{Script=Hangul}\p{Script=Han}]/gu
}
const OF_SIGNS = new Set(['Hans', 'Hant', 'Jpan', 'Kore'])

const OPENING =
  /^\W*(here('s| is| are)\b.{0,60}(chapter|text|content|json)|(sure|certainly|of course|absolutely)[,!.]|(конечно|разумеется)[,!.]|вот (ваша|текст|глава))/i
const LEFTOVERS =
  /<\/?(think|thinking|reasoning)>|<\|[a-z_]+\|>|\[\/?INST\]|as an ai (language )?model|(как|я) (языковая модель|ии-модель)|language of everything you write|lorem ipsum|\[(insert|your|вставьте)\b[^\]\n]{0,80}\]|"(minutes|content)"\s*:/i

/** What costs nothing to put right: line ends, a fence around the whole, a heading of the title, levels that are left out. */
export function tidied({ content, ...chapter }: ChapterText): ChapterText {
  const text = content.replace(/\r\n?/g, '\n').trim()
  const [, fence, inner] = /^(`{3,}|~{3,})(?:markdown|md)?\n(.*)\n\1$/is.exec(text) ?? []
  const open = inner === undefined || fence === undefined || inner.split('\n').includes(fence) ? text : inner.trim()
  return { ...chapter, content: withLevels(open.replace(/^# [^\n]*\n+(?=\S)/, '')) }
}

/** Headings begin at the second level, the first is the title's; none is more than one below the one before. */
function withLevels(text: string): string {
  let depth = 1
  return text
    .split('\n')
    .map(
      outsideOfCode((line) => {
        const [, marks, rest] = /^(#{1,6})(\s+\S.*)$/.exec(line) ?? []
        if (marks === undefined || rest === undefined) return line
        depth = Math.min(Math.max(marks.length, 2), depth + 1)
        return '#'.repeat(depth) + rest
      })
    )
    .join('\n')
}

/** A function of lines that leaves those in fences as they are. */
function outsideOfCode(change: (line: string) => string): (line: string) => string {
  let fence = ''
  return (line) => {
    const [, mark = ''] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? []
    if (mark !== '' && fence === '') fence = mark
    else if (fence !== '' && mark.startsWith(fence) && line.trim() === mark) fence = ''
    else if (fence === '') return change(line)
    return line
  }
}

/** What a reader of the chapter would miss or mind, in words for the model; `others` are chapters of the same course. */
export function problemsOf({ content }: ChapterText, language: string, others: readonly string[]): string[] {
  const prose = proseOf(content)
  const letters = prose.match(/\p{L}/gu)?.length ?? 0
  const script = scriptOf(language)
  const expected = SCRIPTS[script]
  const share = expected === undefined ? 1 : (prose.match(expected)?.length ?? 0) / Math.max(letters, 1)
  const least = OF_SIGNS.has(script) ? MIN_LETTERS_OF_SIGNS : MIN_LETTERS
  const leftover = OPENING.exec(prose)?.[0] ?? LEFTOVERS.exec(prose)?.[0]
  return [
    letters < least && `it is too short: ${letters} letters, where a chapter has a thousand and more`,
    letters > 0 && share < MIN_SHARE && `it is not in the language asked for (${language})`,
    hasOpenFence(content) && 'a block of code is not closed: the text breaks off, or a fence is missing',
    leftover !== undefined && `it has words that are not part of the chapter: "${leftover.slice(0, 80)}"`,
    others.includes(content) && 'it is the same as another chapter of this course'
  ].filter((problem) => problem !== false)
}

/** What is no language to `Intl` is in no script that we know. */
function scriptOf(language: string): string {
  try {
    return new Intl.Locale(language).maximize().script ?? ''
  } catch {
    return ''
  }
}

export function isEmpty({ content }: ChapterText): boolean {
  return !/[\p{L}\p{N}]/u.test(content)
}

/** The text without code and addresses, which are in no language. */
function proseOf(content: string): string {
  const lines: string[] = []
  const outside = outsideOfCode((line) => {
    lines.push(line)
    return line
  })
  content.split('\n').forEach(outside)
  return lines.join('\n').replace(/`[^`\n]*`|https?:\/\/\S+/g, '')
}

/** Whether the text ends inside of code: a line that is added to it is not outside then. */
function hasOpenFence(content: string): boolean {
  let isOutside = true
  const look = outsideOfCode((line) => {
    isOutside = line === ''
    return line
  })
  for (const line of [...content.split('\n'), '']) {
    isOutside = false
    look(line)
  }
  return !isOutside
}
