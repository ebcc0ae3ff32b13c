import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Type } from 'typebox'
import { Parse } from 'typebox/schema'

/** The part of a request for a chat completion that the server reads. */
const Completion = Type.Object({
  model: Type.String(),
  messages: Type.Array(Type.Object({ role: Type.String(), content: Type.String() })),
  stream: Type.Optional(Type.Boolean())
})

/** The requested part: `outline`, or a chapter as `2.1`, or as `"Title"` if it is rewritten. */
export interface Question {
  readonly what: string
  readonly messages: readonly { role: string; content: string }[]
  readonly authorization: string | undefined
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** All requested parts. */
  readonly body: Readonly<Record<string, unknown>>
  /** The answer of a good model. */
  readonly good: string
}

/**
 * Answers one request: returns the text of the model's answer, or null for that of a good model, or sends anything
 * itself.
 */
export type Behaviour = (question: Question, response: ServerResponse) => Promise<string | null> | string | null

/** A real HTTP server with OpenAI's API for chat completions, which writes dull courses. */
export class ModelServer {
  readonly url: string
  /** All questions so far. */
  readonly questions: Question[] = []
  /** The parts that were answered well, in the order of the answers. */
  readonly answered: string[] = []
  behaviour: Behaviour = () => null
  delayMs = 0

  private constructor(url: string) {
    this.url = url
  }

  /** Starts a server that stops with the test. */
  static async start(t: Test): Promise<ModelServer> {
    const { model, stop } = await ModelServer.launch()
    t.teardown(stop)
    return model
  }

  static async launch(): Promise<{ model: ModelServer; stop: () => void }> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const model = new ModelServer(`http://127.0.0.1:${address.port}/v1`)
    server.on('request', (request, response) => {
      model.#answer(request, response).catch((error) => response.writeHead(500).end(String(error)))
    })
    const stop = () => {
      server.close()
      server.closeAllConnections()
    }
    return { model, stop }
  }

  /** The environment of a service that calls this server. */
  get env() {
    return { LLM_PROVIDER: 'openai', LLM_BASE_URL: this.url, LLM_API_KEY: 'sk-secret-of-tests', LLM_MODEL: 'dull-1' }
  }

  /** How often each chapter was answered well. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const what of this.answered) counts.set(what, (counts.get(what) ?? 0) + 1)
    return counts
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Parse(Type.Record(Type.String(), Type.Unknown()), JSON.parse(Buffer.concat(chunks).toString()))
    const { messages, stream } = Parse(Completion, body)
    const asked = messages.map(({ content }) => content).join('\n')
    const topic = /^Topic: (.*)$/m.exec(asked)?.[1] ?? ''
    const place = /Write chapter (\d+\.\d+|".*?")/.exec(asked)?.[1]
    const language = /^Language of everything you write .*: (.*)$/m.exec(asked)?.[1] ?? 'en'
    const [, modules, perModule] = /exactly (\d+) modules of exactly (\d+) chapters/.exec(asked) ?? []
    const what = place ?? 'outline'
    const good =
      place === undefined
        ? outline(topic, Number(modules ?? 1), Number(perModule ?? 1))
        : { minutes: 12, content: chapterText(place, topic, language) }
    const { headers, url: path = '' } = request
    const { authorization } = headers
    const question = { what, messages, authorization, path, headers, body, good: JSON.stringify(good) }
    this.questions.push(question)
    if (this.delayMs > 0) await sleep(this.delayMs)
    const text = await this.behaviour(question, response)
    if (response.headersSent || response.destroyed) return
    const done = () => {
      if (text === null) this.answered.push(what)
    }
    const send = stream === true ? sendStream : sendWhole
    send(response, text ?? question.good, {}).end(done)
  }
}

/** The usage of an answer of this server. */
export const USAGE = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 }

/** Sends an answer in one piece, without ending the response; `change` is put into the choice. */
export function sendWhole(response: ServerResponse, text: string, change: object): ServerResponse {
  const message = { role: 'assistant', content: text, refusal: null }
  const choices = [{ index: 0, message, finish_reason: 'stop', logprobs: null, ...change }]
  const body = { id: 'x', object: 'chat.completion', created: 0, model: 'dull-1', choices, usage: USAGE }
  response.writeHead(200, { 'content-type': 'application/json' }).write(JSON.stringify(body))
  return response
}

/** Sends it as a stream of events, in pieces of `size` characters; `change` is put into the last choice. */
export function sendStream(response: ServerResponse, text: string, change: object, size = 200): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let start = 0; start < text.length; start += size) response.write(token(text.slice(start, start + size)))
  response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', ...change }] }))
  response.write(event({ choices: [], usage: USAGE }))
  response.write('data: [DONE]\n\n')
  return response
}

export function token(content: string): string {
  return event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
}

export function event(fields: object): string {
  return `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: 'dull-1', ...fields })}\n\n`
}

/** A dull text, as long as a chapter has to be. */
export function chapterText(place: string, topic: string, language: string): string {
  const sentence = language.startsWith('ru')
    ? `Вот что глава ${place} говорит о теме.`
    : `What chapter ${place} says of ${topic}.`
  const more = language.startsWith('ru')
    ? 'И ещё немного о том же самом, подробнее.'
    : 'And some more about the very same thing, in detail.'
  return `## About ${place}\n\n${sentence} ${Array.from({ length: 15 }, () => more).join(' ')}`
}

function outline(topic: string, modules: number, chapters: number) {
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
  return {
    title: `Course of ${topic}`.slice(0, 200),
    summary: 'A dull course.',
    description: 'It is **dull**.',
    modules: numbers(modules).map((m) => ({
      title: `Module ${m}`,
      summary: '',
      chapters: numbers(chapters).map((c) => ({ title: `Chapter ${m}.${c}` }))
    }))
  }
}
