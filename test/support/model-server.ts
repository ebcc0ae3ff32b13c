import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Type } from 'typebox'
import { Parse } from 'typebox/schema'

/** The part of a request for a chat completion that the server reads. */
const Completion = Type.Object({
  model: Type.String(),
  messages: Type.Array(Type.Object({ role: Type.String(), content: Type.String() })),
  response_format: Type.Object({
    json_schema: Type.Object({
      name: Type.Enum(['outline', 'chapter']),
      schema: Type.Object({
        properties: Type.Object({
          modules: Type.Optional(
            Type.Object({
              minItems: Type.Integer(),
              items: Type.Object({
                properties: Type.Object({ chapters: Type.Object({ minItems: Type.Integer() }) })
              })
            })
          )
        })
      })
    })
  })
})

/** What the server was asked for: `outline`, or a chapter as `2.1`. */
export interface Question {
  readonly what: string
  readonly messages: readonly { role: string; content: string }[]
  readonly authorization: string | undefined
}

/** How one request is answered: with this text as the model's answer, or with anything else. Null: as a good model does. */
export type Behaviour = (question: Question, response: ServerResponse) => Promise<string | null> | string | null

/** A real HTTP server that speaks OpenAI's API for chat completions, and writes dull courses. */
export class ModelServer {
  readonly url: string
  /** Everything it was asked. */
  readonly questions: Question[] = []
  /** What it has answered well, in the order of the answers. */
  readonly answered: string[] = []
  behaviour: Behaviour = () => null
  delayMs = 0

  private constructor(url: string) {
    this.url = url
  }

  /** One that is gone with the test. */
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

  /** What a service needs to ask this server. */
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
    const { messages, response_format } = Parse(Completion, JSON.parse(Buffer.concat(chunks).toString()))
    const { name, schema } = response_format.json_schema
    const topic = /^Topic: (.*)$/m.exec(messages[1]?.content ?? '')?.[1] ?? ''
    const place = /Write chapter (\d+\.\d+|".*?")/.exec(messages[1]?.content ?? '')?.[1]
    const what = name === 'outline' ? 'outline' : (place ?? '?')
    const question = { what, messages, authorization: request.headers.authorization }
    this.questions.push(question)
    if (this.delayMs > 0) await sleep(this.delayMs)
    const text = await this.behaviour(question, response)
    if (response.headersSent || response.destroyed) return
    const modules = schema.properties.modules
    const good =
      name === 'chapter' || modules === undefined
        ? { minutes: 12, content: `## About ${what}\n\nWhat ${topic} says of ${what}.` }
        : outline(topic, modules.minItems, modules.items.properties.chapters.minItems)
    const usage = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 }
    const message = { role: 'assistant', content: text ?? JSON.stringify(good), refusal: null }
    const choices = [{ index: 0, message, finish_reason: 'stop', logprobs: null }]
    const body = { id: 'x', object: 'chat.completion', created: 0, model: 'dull-1', choices, usage }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body), () => {
      if (text === null) this.answered.push(what)
    })
  }
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
