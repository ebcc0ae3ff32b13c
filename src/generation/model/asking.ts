import type { Static, TSchema } from 'typebox'
import { describeMisfit } from '#http/validation.ts'
import type { Failure } from '../failures.ts'
import { type Admit, type Answer, ModelError, NO_USAGE, type Usage } from '../provider.ts'
import type { Prompt } from '../questions.ts'
import type { ModelClient } from './client.ts'
import { describeForm } from './form.ts'
import { findJson } from './json-text.ts'
import type { Message } from './request.ts'

/** How often a model is told what is wrong with its answer. */
const MAX_REPAIRS = 2
/** How often it is asked for the rest of one. */
const MAX_RESTS = 3
/** How often the server is asked for one thing in all, whatever the reasons are: each of them multiplies the others. */
const MAX_QUESTIONS = 10
const MAX_OVERLAP = 400
const MIN_OVERLAP = 12
/** Shorter texts without JSON that begin so are a refusal. */
const MAX_REFUSAL = 800
const REFUSAL =
  /^\W*(i['’]?m (very )?sorry|sorry|i (can['’]?t|cannot|am (not able|unable)|won['’]?t)|(извините|простите|к сожалению)\b.{0,80}не (могу|буду)|я не могу|не могу помочь)/is

export interface Asked<T extends TSchema> {
  readonly name: string
  readonly prompt: Prompt
  readonly schema: T
  /** What is wrong with an answer of the right form: the model is told once. */
  readonly problems?: (value: Static<T>) => readonly string[]
  readonly signal: AbortSignal
  readonly admit: Admit
}

/** Asks until the answer has its form. Throws `ModelError`, with what it has cost. */
export async function askForForm<T extends TSchema>(client: ModelClient, asked: Asked<T>): Promise<Answer<Static<T>>> {
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
      // What is there is paid for, and better than nothing.
      if (good === undefined || !(error instanceof ModelError) || asked.signal.aborted) throw error
      return { value: good, usage: conversation.usage }
    }
    const found = findJson(text, schema, { isWhole: true })
    let wrong: string
    if ('value' in found) {
      const minded = problems(found.value)
      if (minded.length === 0 || good !== undefined) return { value: found.value, usage: conversation.usage }
      good = found.value
      wrong = `The form is right, but the text is not: ${minded.join('; ')}. Write it again, better, and answer with the whole JSON.`
    } else {
      if (good !== undefined) return { value: good, usage: conversation.usage }
      if (found.best === undefined && text.length < MAX_REFUSAL && REFUSAL.test(text)) throw conversation.refused(text)
      const problem = found.best === undefined ? 'it is not JSON' : describeMisfit(schema, found.best)
      if (repairs === MAX_REPAIRS) {
        throw conversation.failed('MODEL_BAD_ANSWER', `the model gave no ${name} in the form asked for: ${problem}`)
      }
      wrong = `This is not in the form asked for: ${problem}. Answer again, with the whole JSON and nothing else.`
    }
    // The last answer only: each one that is sent back is paid for again.
    messages = [...question, { role: 'assistant', content: text }, { role: 'user', content: wrong }]
  }
}

/** One question, in one or several answers, and what they cost. */
class Conversation<T extends TSchema> {
  usage: Usage = NO_USAGE
  /** How long its answers may be after one that was cut off. */
  #room: number | null = null
  #questions = 0
  readonly #client: ModelClient
  readonly #asked: Asked<T>

  constructor(client: ModelClient, asked: Asked<T>) {
    this.#client = client
    this.#asked = asked
  }

  /** The whole text of an answer: where it ends because it is long, the rest is asked for. */
  async ask(messages: readonly Message[]): Promise<string> {
    let { text, finish } = await this.#complete(messages, '')
    for (let rests = 0; finish === 'length' && !this.#isWhole(text); rests++) {
      const room = this.#client.roomier(this.#room)
      const hasRoom = room !== null
      if (hasRoom) this.#room = room
      const isLast = rests === MAX_RESTS || (text.trim() === '' && !hasRoom)
      if (isLast)
        throw this.failed(
          'MODEL_TOO_LONG',
          'the model may not write as much as an answer needs: raise its limit of tokens'
        )
      const rest = await this.#complete(text.trim() === '' ? messages : [...messages, ...askForRest(text)], text)
      text = this.#isWhole(rest.text) ? rest.text : joined(text, rest.text)
      finish = rest.finish
    }
    return text
  }

  refused(words: string): ModelError {
    return this.failed('MODEL_REFUSED', 'the model refused to write about this topic', words)
  }

  failed(failure: Failure, message: string, cause?: unknown): ModelError {
    const said = typeof cause === 'string' ? this.#client.withoutSecrets(cause) : cause
    return new ModelError(failure, this.#client.withoutSecrets(message), { cause: said, usage: this.usage })
  }

  async #complete(messages: readonly Message[], before: string) {
    const { name, schema, signal } = this.#asked
    const admit = () => this.#admit()
    const isWhole = (text: string) => this.#isWhole(text) || (before !== '' && this.#isWhole(joined(before, text)))
    const request = {
      messages,
      name,
      schema: before.trim() === '' ? schema : null,
      room: this.#room,
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
      throw this.failed('MODEL_BAD_ANSWER', `the model gave no usable ${name} in ${MAX_QUESTIONS} questions`)
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
        'Your answer was cut off. Go on exactly where it ends: only the rest, without repeating anything and without a word about it.'
    }
  ]
}

/** A text and its rest, which may begin with what the text ends with, or stand in a fence. */
function joined(text: string, more: string): string {
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
