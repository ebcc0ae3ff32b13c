import OpenAI, { APIConnectionTimeoutError, APIError } from 'openai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import pRetry from 'p-retry'
import { type Static, type TSchema, Type } from 'typebox'
import { Check } from 'typebox/schema'
import { describeMisfit } from '#http/validation.ts'
import { ChapterText, type Outline, outlineSchema } from './answers.ts'
import type { Failure } from './failures.ts'
import { type Admit, type Answer, ModelError, type ModelProvider, type Usage } from './provider.ts'
import type { ChapterQuestion, OutlineQuestion, Prompt } from './questions.ts'

const DEFAULT_MODEL = 'gpt-5-mini'
/** How often a request that failed is repeated, with growing pauses, or as long as `Retry-After` says. */
const MAX_RETRIES = 4
/** How often a model is told what is wrong with its answer. */
const MAX_REPAIRS = 2
const FIRST_RETRY_MS = 500

/** How often it is asked again whose answer breaks off, or is no answer of such a service. */
const MAX_UNREADABLE = 2
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const MAX_TOKENS = 1_000_000_000

/** The part of a completion that is read. */
const Completion = Type.Object({
  choices: Type.Array(
    Type.Object({
      message: Type.Object({
        content: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        refusal: Type.Optional(Type.Union([Type.String(), Type.Null()]))
      })
    })
  )
})
const Tokens = Type.Integer({ minimum: 0, maximum: MAX_TOKENS })
const CompletionUsage = Type.Object({ prompt_tokens: Tokens, completion_tokens: Tokens })

class UnreadableError extends Error {}

export interface OpenAISettings {
  /** Null: OpenAI's own. */
  readonly baseUrl: string | null
  /** Null: for a server that asks for none. */
  readonly apiKey: string | null
  readonly model: string | null
  /** How long one request may take, in ms. */
  readonly timeoutMs: number
}

/** Any service with OpenAI's API for chat completions. It is asked for JSON in the schema, and told where an answer is not. */
export class OpenAIProvider implements ModelProvider {
  readonly name = 'openai'
  readonly model: string
  readonly languages = null
  readonly #client: OpenAI
  readonly #key: string

  constructor({ baseUrl, apiKey, model, timeoutMs }: OpenAISettings) {
    this.model = model ?? DEFAULT_MODEL
    this.#key = apiKey ?? 'none'
    this.#client = new OpenAI({
      baseURL: baseUrl,
      apiKey: this.#key,
      timeout: timeoutMs,
      maxRetries: MAX_RETRIES,
      fetch: boundedFetch,
      fetchOptions: { redirect: 'error' },
      logLevel: 'off'
    })
  }

  outline({ brief, prompt }: OutlineQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<Outline>> {
    return this.#ask('outline', prompt, outlineSchema(brief.modules, brief.chaptersPerModule), signal, admit)
  }

  chapter({ prompt }: ChapterQuestion, signal: AbortSignal, admit?: Admit): Promise<Answer<ChapterText>> {
    return this.#ask('chapter', prompt, ChapterText, signal, admit)
  }

  async #ask<T extends TSchema>(
    name: string,
    { system, user }: Prompt,
    schema: T,
    signal: AbortSignal,
    admit: Admit = async () => {}
  ): Promise<Answer<Static<T>>> {
    const messages: ChatCompletionMessageParam[] = [
      { role: 'system', content: system },
      { role: 'user', content: user }
    ]
    let usage: Usage = { promptTokens: 0, completionTokens: 0 }
    for (let repairs = 0; ; repairs++) {
      const answer = await this.#complete(name, messages, schema, signal, admit)
      usage = {
        promptTokens: usage.promptTokens + answer.usage.promptTokens,
        completionTokens: usage.completionTokens + answer.usage.completionTokens
      }
      const value = parse(answer.value)
      if (Check(schema, value)) return { value, usage }
      const problem = value === undefined ? 'it is not JSON' : describeMisfit(schema, value)
      if (repairs === MAX_REPAIRS)
        throw new ModelError('MODEL_BAD_ANSWER', `the model gave no ${name} in the form asked for: ${problem}`)
      messages.push(
        { role: 'assistant', content: answer.value },
        { role: 'user', content: `This is not in the form asked for: ${problem}. Answer again, with the whole JSON.` }
      )
    }
  }

  async #complete(
    name: string,
    messages: ChatCompletionMessageParam[],
    schema: TSchema,
    signal: AbortSignal,
    admit: Admit
  ): Promise<Answer<string>> {
    const ask = async () => {
      await admit()
      try {
        return await this.#client.chat.completions.create(
          {
            model: this.model,
            messages: [...messages],
            response_format: { type: 'json_schema', json_schema: { name, strict: true, schema: onTheWire(schema) } }
          },
          { signal }
        )
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof APIError) throw new ModelError(...explain(error), { cause: this.#withoutKey(error) })
        throw new UnreadableError('the answer breaks off, or is not JSON', { cause: error })
      }
    }
    try {
      return await pRetry(async () => readCompletion(await ask()), {
        retries: MAX_UNREADABLE,
        minTimeout: FIRST_RETRY_MS,
        signal,
        shouldRetry: ({ error }) => error instanceof UnreadableError
      })
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error
      const cause = error.cause instanceof Error ? this.#withoutKey(error.cause) : error.message
      throw new ModelError('MODEL_BAD_ANSWER', 'the model service gives answers that cannot be read: try again later', {
        cause
      })
    }
  }

  /** What the service said, for the log: some repeat the key they were sent. */
  #withoutKey({ message }: Error): string {
    return message.replaceAll(this.#key, '***')
  }
}

/** The text and the cost in an answer of the service; throws `UnreadableError` when it is something else. */
function readCompletion(answer: unknown): Answer<string> {
  if (!Check(Completion, answer)) throw new UnreadableError('the answer is no completion of a chat')
  const message = answer.choices[0]?.message
  if (message?.refusal) throw new ModelError('MODEL_REFUSED', 'the model refused to write about this topic')
  const usage = Object(answer).usage
  const known = Check(CompletionUsage, usage) ? usage : { prompt_tokens: 0, completion_tokens: 0 }
  return {
    value: message?.content ?? '',
    usage: { promptTokens: known.prompt_tokens, completionTokens: known.completion_tokens }
  }
}

/** `fetch`, whose answer fails where it becomes too large: a server that never ends one must not fill the memory. */
const boundedFetch: typeof fetch = async (...request) => {
  const response = await fetch(...request)
  if (response.body === null) return response
  let bytes = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes > MAX_ANSWER_BYTES) controller.error(new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`))
      else controller.enqueue(chunk)
    }
  })
  return new Response(response.body.pipeThrough(counted), response)
}

/**
 * The value of a JSON text; undefined when it is none. Some models wrap it in a fence, or cut a character in half, which no
 * database takes.
 */
function parse(text: string): unknown {
  const [, fenced] = /^\s*```(?:json)?\n(.*)\n```\s*$/s.exec(text) ?? []
  try {
    return JSON.parse(fenced ?? text, (_key, value) =>
      typeof value === 'string' ? value.toWellFormed().normalize() : value
    )
  } catch {
    return undefined
  }
}

/** The schema without what the strict mode of many servers does not know; the answer is held against the whole one here. */
function onTheWire(schema: TSchema): Record<string, unknown> {
  const unknown = new Set(['pattern', 'minLength', 'maxLength', 'x-normalize'])
  return JSON.parse(JSON.stringify(schema, (key, value) => (unknown.has(key) ? undefined : value)))
}

/** What has happened, and what who runs the service can do about it; never a key or a URL. */
function explain(error: APIError): [Failure, string] {
  const { status } = error
  if (error instanceof APIConnectionTimeoutError)
    return ['MODEL_TIMEOUT', 'the model did not answer in time: try again later']
  if (status === undefined) return ['MODEL_UNREACHABLE', 'the model service cannot be reached: try again later']
  if (status === 401 || status === 403)
    return ['MODEL_MISCONFIGURED', 'the model service does not accept the key of this platform']
  if (status === 404)
    return ['MODEL_MISCONFIGURED', 'the model service does not know the model or the address that this platform uses']
  if (status === 429) return ['MODEL_BUSY', 'the model service is busy, or its quota is used up: try again later']
  if (status >= 500) return ['MODEL_DOWN', `the model service failed (${status}): try again later`]
  return ['MODEL_REFUSED', `the model service refused the request (${status})`]
}
