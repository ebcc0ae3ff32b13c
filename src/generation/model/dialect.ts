import type { ServiceError } from './service-error.ts'

/** How the form of the answer is requested, strictest first. The prompt describes it in any case. */
export type Format = 'schema' | 'plain schema' | 'json object' | 'prompt'

/** The optional features that requests to a server use. */
export interface Dialect {
  readonly format: Format
  readonly stream: boolean
  /** Request the token usage of a stream. */
  readonly usage: boolean
  /** Send the system message separately; else it is prepended to the user's. */
  readonly system: boolean
  /** The largest token limit that the server accepts; null: not known. */
  readonly tokenLimit: number | null
  readonly tokenLimitName: 'max_tokens' | 'max_completion_tokens'
  /** The server accepts no token limit at all. */
  readonly refusesTokenLimit: boolean
}

export const FULL: Dialect = {
  format: 'schema',
  stream: true,
  usage: true,
  system: true,
  tokenLimit: null,
  tokenLimitName: 'max_tokens',
  refusesTokenLimit: false
}

const TOKEN_LIMITS = [16_384, 65_536]
/** A chapter does not fit into less. */
const MIN_TOKEN_LIMIT = 1024

const FORMAT =
  /response.?format|json.?(schema|object|mode)|schema|structured|grammar|guided|requested parameters|additionalProperties|(min|max)(Items|Length)|\W(minimum|maximum|pattern)['"`]/i
const KEYWORD = /(min|max)(Items|Length)|\W(minimum|maximum|pattern)['"`]|additionalProperties|invalid.{0,10}schema/i
const SYSTEM =
  /(system|developer)\W{0,3}\s?(role|message|prompt|instruction)|role.{0,60}(system|developer)|roles? must alternate/i

/**
 * What to try next after a server refused a request, judging by its message; null if nothing is left. `refusals` counts
 * those of this question: after two, the request becomes as plain as possible, so that no server costs more than a few
 * calls.
 */
export function adapted(
  sent: Dialect,
  { message, status }: ServiceError,
  tokenLimit: number | null,
  refusals: number
): Dialect | null {
  const next = refusals < 2 ? adaptedByMessage(sent, message, tokenLimit) : null
  if (next !== null) return next
  // A server error is not a refusal, unless its message says so.
  if (status === null || status >= 500) return null
  const bare: Dialect = {
    ...sent,
    format: 'prompt',
    usage: false,
    system: false,
    tokenLimit: null,
    refusesTokenLimit: true
  }
  if (!isSame(bare, sent)) return bare
  return sent.stream ? { ...bare, stream: false } : null
}

/** The next dialect if the message names what is refused, else null. `tokenLimit` is the token limit of the request. */
export function adaptedByMessage(sent: Dialect, errorText: string, tokenLimit: number | null): Dialect | null {
  if (tokenLimit !== null && /max_(completion_|new_|output_)?tokens|context.?length/i.test(errorText))
    return otherLimit(sent, tokenLimit, errorText)
  if (sent.stream && sent.usage && /stream_options|include_usage/i.test(errorText)) return { ...sent, usage: false }
  if (sent.system && SYSTEM.test(errorText)) return { ...sent, system: false }
  if (sent.format !== 'prompt' && FORMAT.test(errorText)) return { ...sent, format: looser(sent.format, errorText) }
  if (sent.stream && /stream/i.test(errorText)) return { ...sent, stream: false, usage: false }
  return null
}

function looser(format: Format, errorText: string): Format {
  if (format === 'schema' && KEYWORD.test(errorText)) return 'plain schema'
  return format === 'json object' || /json.?object.{0,40}(not|un)/i.test(errorText) ? 'prompt' : 'json object'
}

function otherLimit(sent: Dialect, tokenLimit: number, errorText: string): Dialect {
  if (sent.tokenLimitName === 'max_tokens' && /max_completion_tokens/i.test(errorText))
    return { ...sent, tokenLimitName: 'max_completion_tokens' }
  const limit = limitIn(errorText, tokenLimit)
  return limit === null ? { ...sent, tokenLimit: null, refusesTokenLimit: true } : { ...sent, tokenLimit: limit }
}

function limitIn(errorText: string, tokenLimit: number): number | null {
  const limits = [...errorText.matchAll(/\d+/g)]
    .map(Number)
    .filter((limit) => limit >= MIN_TOKEN_LIMIT && limit < tokenLimit)
  return limits.length > 0 ? Math.max(...limits) : null
}

/** The next larger token limit after an answer that did not fit into `tokenLimit`; null if there is none. */
export function largerLimit(
  { refusesTokenLimit, tokenLimit: limit }: Dialect,
  tokenLimit: number | null
): number | null {
  const next = refusesTokenLimit ? undefined : TOKEN_LIMITS.find((next) => next > (tokenLimit ?? 0))
  const most = Math.min(next ?? 0, limit ?? Number.POSITIVE_INFINITY)
  return most > (tokenLimit ?? 0) ? most : null
}

/** `tokenLimit`, capped to what the server accepts. */
export function cappedLimit(
  { refusesTokenLimit, tokenLimit: limit }: Dialect,
  tokenLimit: number | null
): number | null {
  return refusesTokenLimit || tokenLimit === null ? null : Math.min(tokenLimit, limit ?? tokenLimit)
}

/** A smaller token limit that the credit (402) or the tokens per minute (413) allow; null: none is large enough. */
export function affordableLimit(tokenLimit: number, errorText: string): number | null {
  const [, limit] = /limit:? (\d+)/i.exec(errorText) ?? []
  const [, requested] = /requested:? (\d+)/i.exec(errorText) ?? []
  // The prompt counts as well.
  const left = limit && requested ? tokenLimit - (Number(requested) - Number(limit)) : limitIn(errorText, tokenLimit)
  return left !== null && left >= MIN_TOKEN_LIMIT && left < tokenLimit ? left : null
}

/** For empty answers: some servers give them for a format they do not know. */
export function looserFormat(sent: Dialect): Dialect {
  return sent.format === 'prompt' ? sent : { ...sent, format: sent.format === 'json object' ? 'prompt' : 'json object' }
}

function isSame(a: Dialect, b: Dialect): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** The differences between two dialects, for the operator. */
export function changes(from: Dialect, to: Dialect): string[] {
  return [
    from.format !== to.format && `the form of answers: ${to.format} instead of ${from.format}`,
    from.stream !== to.stream && 'no streaming',
    from.usage !== to.usage && to.stream && 'no token usage of streams',
    from.system !== to.system && 'the system message is part of the user message',
    (from.tokenLimit !== to.tokenLimit ||
      from.tokenLimitName !== to.tokenLimitName ||
      (from.refusesTokenLimit !== to.refusesTokenLimit && to.format === from.format)) &&
      (to.refusesTokenLimit
        ? 'no token limit for answers'
        : to.tokenLimit === null
          ? `${to.tokenLimitName} instead of ${from.tokenLimitName}`
          : `${to.tokenLimitName} of at most ${to.tokenLimit}`)
  ].filter((change) => change !== false)
}
