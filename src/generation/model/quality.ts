import type { ChapterText } from '../answers.ts'

/** What the letters of a chapter are at least, and what share of them is in the script of its language. */
const MIN_LETTERS = 300
const MIN_LETTERS_OF_SIGNS = 100
const MIN_SHARE = 0.12

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

/** Languages that are written in another script, too, than the one that `Intl` has for them. */
const ALSO: Readonly<Record<string, string>> = {
  ...{ sr: 'Latn', bs: 'Cyrl', uz: 'Cyrl', kk: 'Latn', az: 'Cyrl', tk: 'Cyrl', tt: 'Latn', ky: 'Latn', tg: 'Latn' },
  ...{ ku: 'Arab', pa: 'Arab', ms: 'Arab', ha: 'Arab' }
}

const OPENING =
  /^\W*(here(['’]s| is) (the|your) (\w+ ){0,2}(chapter|text|content|json)\b|(sure|certainly|of course|absolutely)[,!.]\s*(here|below|i['’ ]|let me)|(конечно|разумеется)[,!.]\s*(вот|ниже|я )|вот (ваша|текст|глава))/i
const LEFTOVER = /<\|[a-z_]{1,40}\|>|\[\/?INST\]|language of everything you write/i
/** A chapter may be about one of these; two of them are leftovers. */
const SIGNS = [
  /<\/?(think|thinking|reasoning)>/i,
  /as an ai (language )?model|(как|я) (языковая модель|ии-модель)/i,
  /lorem ipsum/i,
  /\[(insert|вставьте)\b[^\]\n]{0,80}\]/i,
  /\[(your|ваш)\b[^\]\n]{0,80}\]/i,
  /"minutes"\s*:/i,
  /"content"\s*:/i
]

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
    // In a list or a quotation, too; marks with more of them in the line are code in a line.
    const [before = '', mark = ''] = /^\s*(?:(?:[-*+]|\d{1,9}[.)])\s+|>\s*)*(`{3,}|~{3,})/.exec(line) ?? []
    const isMark = mark !== '' && !line.includes('`', mark.startsWith('`') ? before.length : line.length)
    if (isMark && fence === '') fence = mark
    else if (fence !== '' && mark.startsWith(fence) && line.replace(/^[\s>]+/, '').trim() === mark) fence = ''
    else if (fence === '') return change(line)
    return line
  }
}

/** What a reader of the chapter would miss or mind, in words for the model; `others` are chapters of the same course. */
export function problemsOf({ content }: ChapterText, language: string, others: readonly string[]): string[] {
  const prose = proseOf(content)
  const letters = prose.match(/\p{L}/gu)?.length ?? 0
  const script = scriptOf(language)
  const usual = [script, ...alsoOf(language)].map((script) => SCRIPTS[script])
  const counts = usual.map((script) => (script === undefined ? letters : (prose.match(script)?.length ?? 0)))
  const share = Math.max(...counts) / Math.max(letters, 1)
  const least = OF_SIGNS.has(script) ? MIN_LETTERS_OF_SIGNS : MIN_LETTERS
  const signs = SIGNS.flatMap((sign) => sign.exec(prose)?.[0] ?? [])
  const leftover = OPENING.exec(prose)?.[0] ?? LEFTOVER.exec(prose)?.[0] ?? (signs.length > 1 ? signs[0] : undefined)
  return [
    // Code is what some chapters are for.
    letters < least &&
      (content.match(/\p{L}/gu)?.length ?? 0) < 2 * least &&
      `it is too short: ${letters} letters, where a chapter has a thousand and more`,
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

function alsoOf(language: string): string[] {
  const [primary = '', script = ''] = language.split('-')
  const also = ALSO[primary.toLowerCase()]
  return also === undefined || script.length === 4 ? [] : [also]
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
