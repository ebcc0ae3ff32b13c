import type { TSchema } from 'typebox'
import type { Admit } from '../provider.ts'
import type { Dialect } from './dialect.ts'
import { schemaToSend } from './form.ts'

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface Request {
  readonly messages: readonly Message[]
  readonly name: string
  /** Null: the answer continues another one, so it need not match the schema by itself. */
  readonly schema: TSchema | null
  readonly signal: AbortSignal
  readonly admit: Admit
  /** The token limit after an answer that did not fit; null: that of the last request. */
  readonly tokenLimit: number | null
  /** Whether a truncated text is a complete answer all the same. */
  readonly isWhole: (text: string) => boolean
}

/** The body of the request in the server's dialect. */
export function bodyOf(
  model: string,
  { messages, name, schema, tokenLimit }: Request,
  { format, stream, usage, system, tokenLimitName }: Dialect
) {
  const [first, second, ...others] = messages
  const isMerged = !system && first?.role === 'system' && second !== undefined
  const merged = isMerged ? [{ role: 'user', content: `${first.content}\n\n${second.content}` }, ...others] : messages
  return {
    model,
    messages: merged,
    ...(stream && { stream }),
    ...(stream && usage && { stream_options: { include_usage: true } }),
    ...(tokenLimit !== null && { [tokenLimitName]: tokenLimit }),
    ...(schema !== null && format !== 'prompt' && { response_format: responseFormat(name, schema, format) })
  }
}

function responseFormat(name: string, schema: TSchema, format: Dialect['format']) {
  if (format === 'json object') return { type: 'json_object' }
  const plain = format === 'plain schema'
  return { type: 'json_schema', json_schema: { name, strict: !plain, schema: schemaToSend(schema, { plain }) } }
}
