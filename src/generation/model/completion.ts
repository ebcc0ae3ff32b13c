import type { Usage } from '../provider.ts'
import { errorIn, fieldsOf, type ServiceError, UnreadableError } from './service-error.ts'

/** `length`: the answer reached its token limit. `broken`: the connection ended before the answer did. */
export type Finish = 'stop' | 'length' | 'filtered' | 'broken'

/** The answer of a model. */
export interface Completion {
  readonly text: string
  readonly finish: Finish
  /** Why the model declines, in its own words; empty if it does not. */
  readonly refusal: string
  /** Null: the service does not report it. */
  readonly usage: Usage | null
}

const MAX_BYTES = 64 * 1024 * 1024
const MAX_TEXT = 2 * 1024 * 1024
/** Characters of an answer that is one JSON text, or of one event. */
const MAX_LINE = 8 * 1024 * 1024
const MAX_TOKENS = 1_000_000_000

/**
 * Reads the body of an answer: a stream of events or lines, or one JSON text, whatever was requested and whatever the
 * content type says. `onToken` is called as it grows, `onFinish` once the text is complete. Throws `ServiceError` for
 * an error in the body, `UnreadableError` for anything else that is not an answer, and what reading throws if nothing
 * has been read.
 */
export async function readCompletion(
  body: AsyncIterable<string>,
  onToken: () => void,
  onFinish: () => void
): Promise<Completion> {
  const answer = new CompletionReader()
  let rest = ''
  let bytes = 0
  let isEvents: boolean | null = null
  try {
    for await (const text of body) {
      bytes += text.length
      if (bytes > MAX_BYTES) throw new UnreadableError(`the answer is larger than ${MAX_BYTES} bytes`)
      rest += text
      if (rest.length > MAX_LINE) throw tooLong()
      const start: string = isEvents === null ? rest.replace(/^[\ufeff\s]+/, '') : ''
      if (start !== '') isEvents = !/^[{[<]/.test(start)
      if (isEvents !== true) {
        onToken()
        continue
      }
      // New line ends can only be in the new chunk.
      if (!/[\r\n]/.test(rest.slice(-text.length - 1))) continue
      const lines = rest.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) if (answer.addLine(line)) onToken()
      if (answer.isFinished) onFinish()
      if (answer.isOver) break
    }
    if (isEvents === true) for (const line of [rest, '']) answer.addLine(line)
    else answer.addText(rest)
  } catch (error) {
    if (error instanceof UnreadableError || !answer.hasText || answer.error !== null) throw answer.error ?? error
    // The text so far may be complete.
  }
  return answer.end()
}

class CompletionReader {
  error: ServiceError | null = null
  /** The stream has sent its last event. */
  isOver = false
  #content = ''
  #reasoning = ''
  #tools = ''
  #refusal = ''
  #finish: string | null = null
  #usage: Usage | null = null
  #isCompletion = false
  /** The lines of an unfinished event. */
  #data: string[] = []
  #dataLength = 0
  #firstWords = ''

  get hasText(): boolean {
    return this.#content !== '' || this.#tools !== ''
  }

  get isFinished(): boolean {
    return this.#finish !== null
  }

  /** Returns whether the line completed a part of the answer. */
  addLine(line: string): boolean {
    const [, data] = /^\s*data: ?(.*)$/s.exec(line) ?? []
    if (data === undefined) {
      // llama.cpp reports errors like this.
      const [, failure] = /^error: ?(\{.*)$/s.exec(line) ?? []
      if (failure !== undefined) this.#add({ error: parse(failure) ?? failure })
      this.#firstWords ||= line
      return line.trim() === '' && this.#endEvent()
    }
    if (data.trim() === '[DONE]') {
      this.#endEvent()
      this.isOver = true
      this.#finish ??= 'stop'
      return true
    }
    // Some servers leave out the blank lines, so complete JSON in one line is an event.
    const event = /^\s*\{.*\}\s*$/s.test(data) ? parse(data) : undefined
    if (event === undefined) {
      this.#dataLength += data.length
      if (this.#dataLength > MAX_LINE) throw tooLong()
      this.#data.push(data)
      return false
    }
    this.#endEvent()
    this.#add(event)
    return true
  }

  /** Ignores an event that is not JSON (`data: ping`, half an event). */
  #endEvent(): boolean {
    if (this.#data.length === 0) return false
    const event = parse(this.#data.join('\n'))
    this.#firstWords ||= this.#data.join('\n')
    this.#data = []
    this.#dataLength = 0
    if (event !== undefined) this.#add(event)
    return event !== undefined
  }

  /** One JSON text, or one per line. */
  addText(text: string): void {
    const whole = parse(text.replace(/^\ufeff/, ''))
    const values = whole === undefined ? text.split('\n').flatMap((line) => parse(line) ?? []) : [whole].flat()
    for (const value of values) this.#add(value)
    if (this.#isCompletion && whole !== undefined) this.#finish ??= 'stop'
    this.#firstWords = text
  }

  end(): Completion {
    if (this.error !== null) throw this.error
    if (!this.#isCompletion) throw new UnreadableError(`the answer is not a chat completion: ${this.#firstWords}`)
    const written = this.#content.trim() === '' ? this.#tools : this.#content
    // Some servers take the whole answer for reasoning.
    const text = written.trim() === '' && this.#reasoning.includes('{') ? this.#reasoning : written
    return { text, finish: finishOf(this.#finish), refusal: this.#refusal, usage: this.#usage }
  }

  #add(value: unknown): void {
    this.error ??= errorIn(value, null)
    if (this.error !== null) throw this.error
    const { choices, usage, x_groq } = fieldsOf(value)
    this.#usage = usageIn(usage) ?? usageIn(fieldsOf(x_groq).usage) ?? this.#usage
    if (!Array.isArray(choices)) return
    this.#isCompletion = true
    const choice = fieldsOf(choices[0])
    // Some servers send both: an empty delta, or the whole message again at the end of a stream.
    const whole = this.hasText && choice.delta ? {} : fieldsOf(choice.message)
    const message = { ...whole, ...fieldsOf(choice.delta) }
    this.#content = append(this.#content, textIn(message.content) || textIn(choice.text))
    this.#reasoning = append(this.#reasoning, textIn(message.reasoning_content ?? message.reasoning))
    this.#refusal = append(this.#refusal, textIn(message.refusal))
    const calls = [message.function_call, ...(Array.isArray(message.tool_calls) ? message.tool_calls : [])]
    for (const call of calls) {
      const { arguments: given } = fieldsOf(fieldsOf(call).function ?? call)
      this.#tools = append(
        this.#tools,
        typeof given === 'object' && given !== null ? JSON.stringify(given) : textIn(given)
      )
    }
    if (typeof choice.finish_reason === 'string' && choice.finish_reason !== '') this.#finish = choice.finish_reason
  }
}

function tooLong(): UnreadableError {
  return new UnreadableError(`the answer has more than ${MAX_LINE} characters in one line or event`)
}

function finishOf(reason: string | null): Finish {
  if (reason === null) return 'broken'
  if (/^(length|max_tokens|model_length)$/i.test(reason)) return 'length'
  if (/filter|safety|recitation|prohibited|blocklist|refusal/i.test(reason)) return 'filtered'
  return /^(error|abort)/i.test(reason) ? 'broken' : 'stop'
}

/** A text, or the texts of its parts without reasoning. */
function textIn(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part) => {
      const { type, text } = fieldsOf(part)
      return typeof part === 'string' ? part : /think|reason/.test(String(type)) || typeof text !== 'string' ? '' : text
    })
    .join('')
}

function append(text: string, more: string): string {
  if (text.length + more.length > MAX_TEXT) throw new UnreadableError(`the answer has more than ${MAX_TEXT} characters`)
  return text + more
}

function usageIn(usage: unknown): Usage | null {
  const { prompt_tokens, completion_tokens } = fieldsOf(usage)
  const [promptTokens, completionTokens] = [Number(prompt_tokens ?? Number.NaN), Number(completion_tokens ?? 0)]
  const areTokens = [promptTokens, completionTokens].every((n) => Number.isInteger(n) && n >= 0 && n <= MAX_TOKENS)
  return areTokens ? { promptTokens, completionTokens } : null
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
