import { type Static, Type } from 'typebox'
import { Check } from 'typebox/schema'
import { parseDocument } from 'yaml'
import { ApiError } from '#http/errors.ts'
import { describeMisfit } from '#http/validation.ts'

/** In characters. Longer front matter is refused before it is parsed. */
const MAX_LENGTH = 16_384

const Facts = Type.Object(
  {
    title: Type.Optional(Type.String()),
    summary: Type.Optional(Type.String()),
    level: Type.Optional(Type.String()),
    language: Type.Optional(Type.String()),
    category: Type.Optional(Type.String()),
    marker: Type.Optional(Type.String({ pattern: '^course\\d{0,10}$' }))
  },
  { additionalProperties: false }
)

export interface FrontMatter extends Static<typeof Facts> {
  /** The line of each field, starting at 1. */
  readonly lines: ReadonlyMap<string, number>
}

/** The error for an invalid line of a file; lines start at 1. */
export function badLine(line: number, problem: string): ApiError {
  return new ApiError(400, 'VALIDATION_FAILED', `line ${line}: ${problem}`)
}

/** The same, with the line of the field that the problem names. */
export function badField(lines: ReadonlyMap<string, number>, problem: string): ApiError {
  const line = problem.split(/[ .]/).map((word) => lines.get(word))
  return badLine(line.find((line) => line !== undefined) ?? 1, problem)
}

/** The front matter of a file, which may have none, and the index of the line after it. Throws 400. */
export function readFrontMatter(lines: readonly string[]): { facts: FrontMatter; end: number } {
  const isFence = (line: string | undefined) => line !== undefined && /^---[ \t]*\r?$/.test(line)
  if (!isFence(lines[0])) return { facts: { lines: new Map() }, end: 0 }
  const end = lines.findIndex((line, index) => index > 0 && isFence(line))
  if (end < 0) throw badLine(1, 'the front matter does not end: a line --- is missing')
  const text = `${lines.slice(1, end).join('\n')}\n`
  if (text.length > MAX_LENGTH) throw badLine(1, `the front matter is longer than ${MAX_LENGTH} characters`)
  const documentEnd = lines.findIndex((line, index) => index < end && /^\.\.\.\s*$/.test(line))
  if (documentEnd > 0)
    throw badLine(documentEnd + 1, 'this line ends the front matter, and the rest of it would be lost')
  const facts = parse(text)
  const at = new Map(lines.slice(0, end).map((line, index) => [/^([\w-]+):/.exec(line)?.[1] ?? '', index + 1]))
  if (Check(Facts, facts)) return { facts: { ...facts, lines: at }, end: end + 1 }
  throw badField(at, describeMisfit(Facts, facts))
}

function parse(text: string): unknown {
  try {
    const document = parseDocument(text, { schema: 'core', uniqueKeys: true, prettyErrors: true, logLevel: 'silent' })
    const [error] = document.errors
    if (error !== undefined)
      throw badLine(
        (error.linePos?.[0].line ?? 0) + 1,
        `the front matter is not valid YAML: ${firstLine(error.message)}`
      )
    // Aliases are not expanded: a few lines of them could expand to gigabytes.
    return document.toJS({ maxAliasCount: 0 }) ?? {}
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw badLine(2, 'the front matter has aliases, or is nested too deeply: it must be a list of names and texts')
  }
}

function firstLine(message: string): string {
  return (
    message
      .split('\n')[0]
      ?.replace(/ at line \d+.*$/, '')
      .slice(0, 200) ?? ''
  )
}
