import type { ServiceError } from './service-error.ts'

/** How a server is told the form of its answer, from the strictest on. It is in the prompt in any case. */
export type Format = 'schema' | 'plain schema' | 'json object' | 'prompt'

/** What a server is sent beside the model and the messages. */
export interface Dialect {
  readonly format: Format
  readonly stream: boolean
  /** It is asked for the tokens of a stream. */
  readonly usage: boolean
  /** The system message is one of its own; else it stands before the user's. */
  readonly system: boolean
  /** What an answer may be asked to be long at most, in tokens; null: there is no such limit that we know of. */
  readonly room: number | null
  readonly roomName: 'max_tokens' | 'max_completion_tokens'
  /** The server takes no length. */
  readonly noRoom: boolean
}

export const FULL: Dialect = {
  format: 'schema',
  stream: true,
  usage: true,
  system: true,
  room: null,
  roomName: 'max_tokens',
  noRoom: false
}

const ROOMS = [16_384, 65_536]
/** Less is no room for a chapter. */
const LEAST_ROOM = 1024

const FORMAT =
  /response.?format|json.?(schema|object|mode)|schema|structured|grammar|guided|requested parameters|additionalProperties|(min|max)(Items|Length)|\W(minimum|maximum|pattern)['"`]/i
const KEYWORD = /(min|max)(Items|Length)|\W(minimum|maximum|pattern)['"`]|additionalProperties|invalid.{0,10}schema/i
const SYSTEM =
  /(system|developer)\W{0,3}\s?(role|message|prompt|instruction)|role.{0,60}(system|developer)|roles? must alternate/i

/**
 * What to try next where a server refuses a request, by the words of its refusal; null where there is nothing left. `refusals` counts
 * those of this question: after two the request is as plain as can be, so that no server costs more than a few calls.
 */
export function adapted(
  sent: Dialect,
  { message, status }: ServiceError,
  room: number | null,
  refusals: number
): Dialect | null {
  const next = refusals < 2 ? byWords(sent, message, room) : null
  if (next !== null) return next
  // A failure of the server is no refusal, unless its words say so.
  if (status === null || status >= 500) return null
  const bare: Dialect = { ...sent, format: 'prompt', usage: false, system: false, room: null, noRoom: true }
  if (!isSame(bare, sent)) return bare
  return sent.stream ? { ...bare, stream: false } : null
}

/** The same, as far as the words tell what is refused; `room` is what the answer was asked to be long at most. */
export function byWords(sent: Dialect, said: string, room: number | null): Dialect | null {
  if (room !== null && /max_(completion_|new_|output_)?tokens|context.?length/i.test(said))
    return otherRoom(sent, room, said)
  if (sent.stream && sent.usage && /stream_options|include_usage/i.test(said)) return { ...sent, usage: false }
  if (sent.system && SYSTEM.test(said)) return { ...sent, system: false }
  if (sent.format !== 'prompt' && FORMAT.test(said)) return { ...sent, format: looser(sent.format, said) }
  if (sent.stream && /stream/i.test(said)) return { ...sent, stream: false, usage: false }
  return null
}

function looser(format: Format, said: string): Format {
  if (format === 'schema' && KEYWORD.test(said)) return 'plain schema'
  return format === 'json object' || /json.?object.{0,40}(not|un)/i.test(said) ? 'prompt' : 'json object'
}

function otherRoom(sent: Dialect, room: number, said: string): Dialect {
  if (sent.roomName === 'max_tokens' && /max_completion_tokens/i.test(said))
    return { ...sent, roomName: 'max_completion_tokens' }
  const limit = limitIn(said, room)
  return limit === null ? { ...sent, room: null, noRoom: true } : { ...sent, room: limit }
}

function limitIn(said: string, room: number): number | null {
  const limits = [...said.matchAll(/\d+/g)].map(Number).filter((limit) => limit >= LEAST_ROOM && limit < room)
  return limits.length > 0 ? Math.max(...limits) : null
}

/** After an answer that did not fit into `room`: more; null where there is none. */
export function roomier({ noRoom, room: limit }: Dialect, room: number | null): number | null {
  const next = noRoom ? undefined : ROOMS.find((next) => next > (room ?? 0))
  const most = Math.min(next ?? 0, limit ?? Number.POSITIVE_INFINITY)
  return most > (room ?? 0) ? most : null
}

/** What of `room` a server can be asked for. */
export function roomAt({ noRoom, room: limit }: Dialect, room: number | null): number | null {
  return noRoom || room === null ? null : Math.min(room, limit ?? room)
}

/** What is left of `room` where the credit (402) or the tokens of a minute (413) do not reach for it; null: none. */
export function affordable(room: number, said: string): number | null {
  const [, limit] = /limit:? (\d+)/i.exec(said) ?? []
  const [, requested] = /requested:? (\d+)/i.exec(said) ?? []
  // The question is counted, too.
  const left = limit && requested ? room - (Number(requested) - Number(limit)) : limitIn(said, room)
  return left !== null && left >= LEAST_ROOM && left < room ? left : null
}

/** After empty answers: some servers give them for a format that they do not know. */
export function looserFormat(sent: Dialect): Dialect {
  return sent.format === 'prompt' ? sent : { ...sent, format: sent.format === 'json object' ? 'prompt' : 'json object' }
}

function isSame(a: Dialect, b: Dialect): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** What was changed, in words for the operator. */
export function changes(from: Dialect, to: Dialect): string[] {
  return [
    from.format !== to.format && `the form of answers: ${to.format} instead of ${from.format}`,
    from.stream !== to.stream && 'no streaming',
    from.usage !== to.usage && to.stream && 'a stream is not asked for its tokens',
    from.system !== to.system && 'the system message stands in the message of the user',
    (from.room !== to.room ||
      from.roomName !== to.roomName ||
      (from.noRoom !== to.noRoom && to.format === from.format)) &&
      (to.noRoom
        ? "the length of answers is the server's"
        : to.room === null
          ? `${to.roomName} instead of ${from.roomName}`
          : `${to.roomName} of at most ${to.room}`)
  ].filter((change) => change !== false)
}
