import type { Static, TSchema } from 'typebox'
import { describeMisfit } from '#http/validation.ts'
import type { Failure } from '../failures.ts'
import { type Admit, type Answer, ModelError, NO_USAGE, type Usage } from '../provider.ts'
import type { Prompt } from '../questions.ts'
import type { ModelClient } from './client.ts'
import { describeForm } from './form.ts'
import { findJson } from './json-text.ts'
import type { Message } from './request.ts'

/** How often a model is asked to correct its answer. */
const MAX_REPAIRS = 2
/** How often it is asked to continue a truncated answer. */
const MAX_CONTINUATIONS = 3
/** Requests for one answer in all: retries, repairs and continuations multiply each other. */
const MAX_QUESTIONS = 10
const MAX_OVERLAP = 400
const MIN_OVERLAP = 12
/** A text without JSON that is shorter than this and begins like this is a refusal. */
const MAX_REFUSAL = 800
const REFUSAL =
  /^\W*(i['’]?m (very )?sorry|sorry|i (can['’]?t|cannot|am (not able|unable)|won['’]?t)|(извините|простите|к сожалению)\b.{0,80}не (могу|буду)|я не могу|не могу помочь)/is

export interface AskOptions<T extends TSchema> {
  readonly name: string
  readonly prompt: Prompt
  readonly schema: T
  /** What is wrong with the content of an answer that matches the schema; the model may correct it once. */
  readonly problems?: (value: Static<T>) => readonly string[]
  readonly signal: AbortSignal
  readonly admit: Admit
}

/** Asks until the answer matches the schema. Throws `ModelError` with the cost so far. */
export async function askForJson<T extends TSchema>(
  client: ModelClient,
  asked: AskOptions<T>
): Promise<Answer<Static<T>>> {
  const { prompt, schema, name, problems = () => [] } = asked
  const conversation = new Conversation(client, asked)
  const question: Message[] = [
    { role: 'system', content: prompt.system },
    { role: 'user', content: `${prompt.user}\n\n${describeForm(schema)}` }
  ]
  let messages = question
  let good: Static<T> | undefined
  for (let repairs = 0; ; repairs++) {
    let text: string
    try {
      text = await conversation.ask(messages)
    } catch (error) {
      // The earlier answer is paid for, and better than nothing.
      if (good === undefined || !(error instanceof ModelError) || asked.signal.aborted) throw error
      return { value: good, usage: conversation.usage }
    }
    const found = findJson(text, schema, { isWhole: true })
    let wrong: string
    if ('value' in found) {
      const contentProblems = problems(found.value)
      if (contentProblems.length === 0 || good !== undefined) return { value: found.value, usage: conversation.usage }
      good = found.value
      wrong = `The form is right, but the text is not: ${contentProblems.join('; ')}. Write it again, better, and answer with the whole JSON.`
    } else {
      if (good !== undefined) return { value: good, usage: conversation.usage }
      if (found.best === undefined && text.length < MAX_REFUSAL && REFUSAL.test(text)) throw conversation.refused(text)
      const problem = found.best === undefined ? 'it is not JSON' : describeMisfit(schema, found.best)
      if (repairs === MAX_REPAIRS) {
        throw conversation.failed('MODEL_BAD_ANSWER', `the model gave no ${name} in the requested form: ${problem}`)
      }
      wrong = `This is not in the requested form: ${problem}. Answer again, with the whole JSON and nothing else.`
    }
    // Only the last answer is sent back: each one is paid for again.
    messages = [...question, { role: 'assistant', content: text }, { role: 'user', content: wrong }]
  }
}

/** The requests that lead to one answer, and their total cost. */
class Conversation<T extends TSchema> {
  usage: Usage = NO_USAGE
  /** The limit of tokens after a truncated answer; null: the client's own. */
  #tokenLimit: number | null = null
  #questions = 0
  readonly #client: ModelClient
  readonly #asked: AskOptions<T>

  constructor(client: ModelClient, asked: AskOptions<T>) {
    this.#client = client
    this.#asked = asked
  }

  /** Resolves to the whole text of an answer; a truncated one is continued. */
  async ask(messages: readonly Message[]): Promise<string> {
    let { text, finish } = await this.#complete(messages, '')
    for (let continuations = 0; finish === 'length' && !this.#isWhole(text); continuations++) {
      const tokenLimit = this.#client.largerLimit(this.#tokenLimit)
      const canGrow = tokenLimit !== null
      if (canGrow) this.#tokenLimit = tokenLimit
      const isLast = continuations === MAX_CONTINUATIONS || (text.trim() === '' && !canGrow)
      if (isLast)
        throw this.failed(
          'MODEL_TOO_LONG',
          'the answer does not fit into the token limit of the model: raise the limit'
        )
      const rest = await this.#complete(text.trim() === '' ? messages : [...messages, ...askForRest(text)], text)
      text = this.#isWhole(rest.text) ? rest.text : joinContinuation(text, rest.text)
      finish = rest.finish
    }
    return text
  }

  refused(words: string): ModelError {
    return this.failed('MODEL_REFUSED', 'the model refused to write about this topic', words)
  }

  failed(failure: Failure, message: string, cause?: unknown): ModelError {
    const safeCause = typeof cause === 'string' ? this.#client.withoutSecrets(cause) : cause
    return new ModelError(failure, this.#client.withoutSecrets(message), { cause: safeCause, usage: this.usage })
  }

  async #complete(messages: readonly Message[], before: string) {
    const { name, schema, signal } = this.#asked
    const admit = () => this.#admit()
    const isWhole = (text: string) =>
      this.#isWhole(text) || (before !== '' && this.#isWhole(joinContinuation(before, text)))
    const request = {
      messages,
      name,
      schema: before.trim() === '' ? schema : null,
      tokenLimit: this.#tokenLimit,
      signal,
      admit,
      isWhole
    }
    try {
      const completion = await this.#client.ask(request)
      this.usage = sum(this.usage, completion.usage ?? NO_USAGE)
      if (completion.refusal !== '') throw this.refused(completion.refusal)
      if (completion.finish === 'filtered') {
        throw this.failed('MODEL_FILTERED', 'the content filter of the model service stopped the answer')
      }
      return completion
    } catch (error) {
      if (!(error instanceof ModelError) || error.usage !== NO_USAGE) throw error
      throw this.failed(error.failure, error.message, error.cause)
    }
  }

  async #admit(): Promise<void> {
    if (this.#questions === MAX_QUESTIONS) {
      const { name } = this.#asked
      throw this.failed('MODEL_BAD_ANSWER', `the model gave no usable ${name} in ${MAX_QUESTIONS} requests`)
    }
    this.#questions++
    await this.#asked.admit()
  }

  #isWhole(text: string): boolean {
    return 'value' in findJson(text, this.#asked.schema, { isWhole: false })
  }
}

function askForRest(text: string): Message[] {
  return [
    { role: 'assistant', content: text },
    {
      role: 'user',
      content:
        'Your answer was cut off. Continue exactly where it ends: only the rest, without repeating anything and without any comment.'
    }
  ]
}

/** Joins a text and its continuation, which may repeat the end of the text or be in a code fence. */
function joinContinuation(text: string, more: string): string {
  const rest = more.replace(/^\s*```\w*\n/, '').replace(/\n```\s*$/, '')
  for (let length = Math.min(MAX_OVERLAP, rest.length); length >= MIN_OVERLAP; length--) {
    if (text.endsWith(rest.slice(0, length))) return text + rest.slice(length)
  }
  return text + rest
}

function sum(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens
  }
}
