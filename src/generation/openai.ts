import OpenAI, { APIConnectionTimeoutError, APIError } from 'openai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import type { Static, TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { describeValidation } from '../validation.ts'
import { ChapterText, type Outline, outlineSchema } from './answers.ts'
import { type Answer, ModelError, type ModelProvider, type Usage } from './provider.ts'
import type { ChapterQuestion, OutlineQuestion, Prompt } from './questions.ts'

const DEFAULT_MODEL = 'gpt-5-mini'
/** How often a request that failed is repeated, with growing pauses, or as long as `Retry-After` says. */
const MAX_RETRIES = 4
/** How often a model is told what is wrong with its answer. */
const MAX_REPAIRS = 2

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
      logLevel: 'off'
    })
  }

  outline({ brief, prompt }: OutlineQuestion, signal: AbortSignal): Promise<Answer<Outline>> {
    return this.#ask('outline', prompt, outlineSchema(brief.modules, brief.chaptersPerModule), signal)
  }

  chapter({ prompt }: ChapterQuestion, signal: AbortSignal): Promise<Answer<ChapterText>> {
    return this.#ask('chapter', prompt, ChapterText, signal)
  }

  async #ask<T extends TSchema>(
    name: string,
    { system, user }: Prompt,
    schema: T,
    signal: AbortSignal
  ): Promise<Answer<Static<T>>> {
    const messages: ChatCompletionMessageParam[] = [
      { role: 'system', content: system },
      { role: 'user', content: user }
    ]
    let usage: Usage = { promptTokens: 0, completionTokens: 0 }
    for (let repairs = 0; ; repairs++) {
      const answer = await this.#complete(name, messages, schema, signal)
      usage = {
        promptTokens: usage.promptTokens + answer.usage.promptTokens,
        completionTokens: usage.completionTokens + answer.usage.completionTokens
      }
      const value = parse(answer.value)
      if (Check(schema, value)) return { value, usage }
      const problem = value === undefined ? 'it is not JSON' : describeValidation(asAjv(Errors(schema, value)))
      if (repairs === MAX_REPAIRS) throw new ModelError(`the model gave no ${name} in the form asked for: ${problem}`)
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
    signal: AbortSignal
  ): Promise<Answer<string>> {
    try {
      const { choices, usage } = await this.#client.chat.completions.create(
        {
          model: this.model,
          messages: [...messages],
          response_format: { type: 'json_schema', json_schema: { name, strict: true, schema: onTheWire(schema) } }
        },
        { signal }
      )
      const message = choices[0]?.message
      if (message?.refusal) throw new ModelError('the model refused to write about this topic')
      return {
        value: message?.content ?? '',
        usage: { promptTokens: usage?.prompt_tokens ?? 0, completionTokens: usage?.completion_tokens ?? 0 }
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof APIError) throw new ModelError(explain(error), { cause: this.#withoutKey(error) })
      throw error
    }
  }

  /** What the service said, for the log: some repeat the key they were sent. */
  #withoutKey({ message }: APIError): string {
    return message.replaceAll(this.#key, '***')
  }
}

/** The value of a JSON text; undefined when it is none. Some models wrap it in a fence. */
function parse(text: string): unknown {
  const [, fenced] = /^\s*```(?:json)?\n(.*)\n```\s*$/s.exec(text) ?? []
  try {
    return JSON.parse(fenced ?? text)
  } catch {
    return undefined
  }
}

/** The schema without what the strict mode of many servers does not know; the answer is held against the whole one here. */
function onTheWire(schema: TSchema): Record<string, unknown> {
  const unknown = new Set(['pattern', 'minLength', 'maxLength'])
  return JSON.parse(JSON.stringify(schema, (key, value) => (unknown.has(key) ? undefined : value)))
}

/** TypeBox names the parameters of an error as Ajv does. */
function asAjv(errors: ReturnType<typeof Errors>): Parameters<typeof describeValidation>[0] {
  return errors.map(({ instancePath, keyword, message, params }) => ({
    instancePath,
    keyword,
    message,
    params: { ...params }
  }))
}

/** What who asked for a course, and who runs the service, can do about it; never a key or a URL. */
function explain(error: APIError): string {
  const { status } = error
  if (error instanceof APIConnectionTimeoutError) return 'the model did not answer in time: try again later'
  if (status === undefined) return 'the model service cannot be reached: try again later'
  if (status === 401 || status === 403) return 'the model service does not accept the key of this platform'
  if (status === 404) return 'the model service does not know the model or the address that this platform uses'
  if (status === 429) return 'the model service is busy, or its quota is used up: try again later'
  if (status >= 500) return `the model service failed (${status}): try again later`
  return `the model service refused the request (${status})`
}
