import type { TSchema } from 'typebox'
import type { Admit } from '../provider.ts'
import type { Dialect } from './dialect.ts'
import { onTheWire } from './form.ts'

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface Request {
  readonly messages: readonly Message[]
  readonly name: string
  /** Null: the answer is the rest of another one, and has no form of its own. */
  readonly schema: TSchema | null
  readonly signal: AbortSignal
  readonly admit: Admit
  /** How long the answer may be, in tokens, after one that did not fit; null: as it was last. */
  readonly room: number | null
  /** Whether a text that breaks off is the whole answer all the same. */
  readonly isWhole: (text: string) => boolean
}

/** The request as this server takes it. */
export function bodyOf(
  model: string,
  { messages, name, schema, room }: Request,
  { format, stream, usage, system, roomName }: Dialect
) {
  const [first, second, ...others] = messages
  const isMerged = !system && first?.role === 'system' && second !== undefined
  const merged = isMerged ? [{ role: 'user', content: `${first.content}\n\n${second.content}` }, ...others] : messages
  return {
    model,
    messages: merged,
    ...(stream && { stream }),
    ...(stream && usage && { stream_options: { include_usage: true } }),
    ...(room !== null && { [roomName]: room }),
    ...(schema !== null && format !== 'prompt' && { response_format: responseFormat(name, schema, format) })
  }
}

function responseFormat(name: string, schema: TSchema, format: Dialect['format']) {
  if (format === 'json object') return { type: 'json_object' }
  const plain = format === 'plain schema'
  return { type: 'json_schema', json_schema: { name, strict: !plain, schema: onTheWire(schema, { plain }) } }
}
