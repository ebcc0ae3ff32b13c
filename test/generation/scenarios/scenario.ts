import type { ServerResponse } from 'node:http'
import type { Failure } from '#generation/failures.ts'
import { OpenAIProvider } from '#generation/openai.ts'
import { writeCourse } from '#generation/pipeline.ts'
import { ModelError, type Usage } from '#generation/provider.ts'
import type { FinishedChapter } from '#generation/records.ts'
import { type Behaviour, ModelServer, type Question, sendStream, sendWhole } from '../../support/model-server.ts'

/** One kind of server or answer, played with a course of one module and two chapters, which takes three questions. */
export interface Scenario {
  readonly name: string
  /** The number of requests in all. */
  readonly calls: number
  readonly outcome: 'course' | Failure
  readonly serve: () => Behaviour
  /** A pattern for the message to the operator. */
  readonly told?: RegExp
  /** The least number of requests that one of the questions takes, if it is more than one. */
  readonly needed?: number
  readonly url?: (url: string) => string
  readonly timeoutMs?: number
  readonly language?: string
}

export interface Result {
  readonly scenario: Scenario
  readonly calls: number
  readonly outcome: string
  /** The largest number of requests for one question. */
  readonly most: number
  readonly told: string
  readonly usage: Usage
  readonly chapters: readonly FinishedChapter[]
  readonly questions: readonly Question[]
  readonly fallbacks: readonly string[]
}

export const KEY = 'sk-secret/of+tests=1'

export async function play(scenario: Scenario): Promise<Result> {
  const { model, stop } = await ModelServer.launch()
  model.behaviour = scenario.serve()
  const baseUrl = scenario.url?.(model.url) ?? model.url
  // If the URL has a key, there is no other.
  const apiKey = new URL(baseUrl).searchParams.has('key') ? null : KEY
  const provider = new OpenAIProvider(
    { baseUrl, apiKey, model: 'dull-1', timeoutMs: scenario.timeoutMs ?? 5000 },
    { pausesMs: [5, 10] }
  )
  const usage = { promptTokens: 0, completionTokens: 0 }
  const chapters: FinishedChapter[] = []
  const spend = ({ promptTokens, completionTokens }: Usage) => {
    usage.promptTokens += promptTokens
    usage.completionTokens += completionTokens
  }
  const checkpoints = {
    load: async () => ({ outline: null, chapters: [] }),
    ensureWanted: async () => {},
    saveOutline: async (_outline: unknown, used: Usage) => spend(used),
    saveChapter: async (chapter: FinishedChapter, used: Usage) => {
      chapters.push(chapter)
      spend(used)
    },
    saveUsage: async (used: Usage) => spend(used)
  }
  let admitted = 0
  const brief = {
    topic: 'Chess',
    audience: null,
    level: 'beginner',
    language: scenario.language ?? 'en',
    modules: 1,
    chaptersPerModule: 2
  } as const
  let outcome = 'course'
  let told = ''
  try {
    const admit = async () => {
      admitted++
    }
    await writeCourse(brief, provider, checkpoints, { concurrency: 2, signal: new AbortController().signal, admit })
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    outcome = error.failure
    told = `${error.message}: ${error.cause}`
  } finally {
    stop()
  }
  const { questions } = model
  if (admitted !== questions.length) throw new Error(`${admitted} requests were admitted, ${questions.length} sent`)
  const counts = Map.groupBy(questions, ({ what }) => what)
  const most = Math.max(...[...counts.values()].map((asked) => asked.length))
  const { fallbacks } = provider.client
  return { scenario, calls: questions.length, outcome, most, told, usage, chapters, questions, fallbacks }
}

/** Answers requests for which `when` is true with an error, and others like a good model. */
export function refuse(
  when: (question: Question) => boolean,
  status: number,
  error: unknown,
  headers = {}
): () => Behaviour {
  return () => (question, response) => {
    if (!when(question)) return null
    const body = typeof error === 'string' ? { error: { message: error, type: 'invalid_request_error' } } : error
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    return null
  }
}

/** Answers with a good answer that `change` has changed. */
export function say(change: (good: string, question: Question) => string): () => Behaviour {
  return () => (question) => change(question.good, question)
}

/** Lets `how` send a good answer. */
export function send(how: (response: ServerResponse, good: string, question: Question) => void): () => Behaviour {
  return () => (question, response) => {
    how(response, question.good, question)
    return null
  }
}

/** Sends the answer streamed or whole, as requested; `change` is put into the choice. */
export function sendAsAsked(response: ServerResponse, text: string, { body }: Question, change: object): void {
  const how = body.stream === true ? sendStream : sendWhole
  how(response, text, change).end()
}

/** Answers the first requests like `serve`, and later ones like a good model. */
export function first(serve: () => Behaviour, times = 1): () => Behaviour {
  return () => {
    const behaviour = serve()
    let asked = 0
    return (question, response) => (asked++ < times ? behaviour(question, response) : null)
  }
}

/** Answers requests for one outline or chapter like `serve`, and others like a good model. */
export function only(what: string, serve: () => Behaviour): () => Behaviour {
  return () => {
    const behaviour = serve()
    return (question, response) => (question.what === what ? behaviour(question, response) : null)
  }
}

export function formatOf({ body }: Question): string {
  const format = body.response_format
  return typeof format === 'object' && format !== null && 'type' in format ? String(format.type) : 'none'
}
