import type { ChapterText } from '../answers.ts'

/** The fewest letters of a chapter, and the smallest share of them in the script of its language. */
const MIN_LETTERS = 300
const MIN_LETTERS_CJK = 100
const MIN_SHARE = 0.12

/** The letters of a script, by its name in `Intl.Locale`. */
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
const CJK_SCRIPTS = new Set(['Hans', 'Hant', 'Jpan', 'Kore'])

/** Second scripts of languages that are written in two; `Intl` knows the first. */
const SECOND_SCRIPTS: Readonly<Record<string, string>> = {
  ...{ sr: 'Latn', bs: 'Cyrl', uz: 'Cyrl', kk: 'Latn', az: 'Cyrl', tk: 'Cyrl', tt: 'Latn', ky: 'Latn', tg: 'Latn' },
  ...{ ku: 'Arab', pa: 'Arab', ms: 'Arab', ha: 'Arab' }
}

const OPENING =
  /^\W*(here(['’]s| is) (the|your) (\w+ ){0,2}(chapter|text|content|json)\b|(sure|certainly|of course|absolutely)[,!.]\s*(here|below|i['’ ]|let me)|(конечно|разумеется)[,!.]\s*(вот|ниже|я )|вот (ваша|текст|глава))/i
const LEFTOVER = /<\|[a-z_]{1,40}\|>|\[\/?INST\]|language of everything you write/i
/** A chapter may legitimately contain one of these, but not two. */
const LEFTOVER_SIGNS = [
  /<\/?(think|thinking|reasoning)>/i,
  /as an ai (language )?model|(как|я) (языковая модель|ии-модель)/i,
  /lorem ipsum/i,
  /\[(insert|вставьте)\b[^\]\n]{0,80}\]/i,
  /\[(your|ваш)\b[^\]\n]{0,80}\]/i,
  /"minutes"\s*:/i,
  /"content"\s*:/i
]

/**
 * Fixes what needs no model: line ends, a fence around the whole text, a heading with the title, skipped heading
 * levels.
 */
export function tidyChapter({ content, ...chapter }: ChapterText): ChapterText {
  const text = content.replace(/\r\n?/g, '\n').trim()
  const [, fence, inner] = /^(`{3,}|~{3,})(?:markdown|md)?\n(.*)\n\1$/is.exec(text) ?? []
  const open = inner === undefined || fence === undefined || inner.split('\n').includes(fence) ? text : inner.trim()
  return { ...chapter, content: fixHeadingLevels(open.replace(/^# [^\n]*\n+(?=\S)/, '')) }
}

/** Headings start at level 2, since level 1 is the title, and never skip a level. */
function fixHeadingLevels(text: string): string {
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

/** Wraps a function of lines so that it leaves fenced code alone. */
function outsideOfCode(change: (line: string) => string): (line: string) => string {
  let fence = ''
  return (line) => {
    // Also in a list or a quotation; several marks in one line are inline code.
    const [before = '', mark = ''] = /^\s*(?:(?:[-*+]|\d{1,9}[.)])\s+|>\s*)*(`{3,}|~{3,})/.exec(line) ?? []
    const isMark = mark !== '' && !line.includes('`', mark.startsWith('`') ? before.length : line.length)
    if (isMark && fence === '') fence = mark
    else if (fence !== '' && mark.startsWith(fence) && line.replace(/^[\s>]+/, '').trim() === mark) fence = ''
    else if (fence === '') return change(line)
    return line
  }
}

/** What is wrong with a chapter, in words for the model; `others` are chapters of the same course. */
export function problemsOf({ content }: ChapterText, language: string, others: readonly string[]): string[] {
  const prose = proseOf(content)
  const letters = prose.match(/\p{L}/gu)?.length ?? 0
  const script = scriptOf(language)
  const usual = [script, ...secondScriptOf(language)].map((script) => SCRIPTS[script])
  const counts = usual.map((script) => (script === undefined ? letters : (prose.match(script)?.length ?? 0)))
  const share = Math.max(...counts) / Math.max(letters, 1)
  const least = CJK_SCRIPTS.has(script) ? MIN_LETTERS_CJK : MIN_LETTERS
  const signs = LEFTOVER_SIGNS.flatMap((sign) => sign.exec(prose)?.[0] ?? [])
  const leftover = OPENING.exec(prose)?.[0] ?? LEFTOVER.exec(prose)?.[0] ?? (signs.length > 1 ? signs[0] : undefined)
  return [
    // Some chapters are mostly code.
    letters < least &&
      (content.match(/\p{L}/gu)?.length ?? 0) < 2 * least &&
      `it is too short: ${letters} letters, where a chapter has at least a thousand`,
    letters > 0 && share < MIN_SHARE && `it is not in the requested language (${language})`,
    hasOpenFence(content) && 'a code block is not closed: the text is truncated, or a fence is missing',
    leftover !== undefined && `it contains words that do not belong to the chapter: "${leftover.slice(0, 80)}"`,
    others.includes(content) && 'it is the same as another chapter of this course'
  ].filter((problem) => problem !== false)
}

/** Empty for a language that `Intl` does not know. */
function scriptOf(language: string): string {
  try {
    return new Intl.Locale(language).maximize().script ?? ''
  } catch {
    return ''
  }
}

function secondScriptOf(language: string): string[] {
  const [primary = '', script = ''] = language.split('-')
  const second = SECOND_SCRIPTS[primary.toLowerCase()]
  return second === undefined || script.length === 4 ? [] : [second]
}

export function isEmpty({ content }: ChapterText): boolean {
  return !/[\p{L}\p{N}]/u.test(content)
}

/** The text without code and URLs, which are in no language. */
function proseOf(content: string): string {
  const lines: string[] = []
  const outside = outsideOfCode((line) => {
    lines.push(line)
    return line
  })
  content.split('\n').forEach(outside)
  return lines.join('\n').replace(/`[^`\n]*`|https?:\/\/\S+/g, '')
}

/** Whether the text ends inside a code block. */
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
