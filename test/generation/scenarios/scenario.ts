import type { ServerResponse } from 'node:http'
import type { Failure } from '#generation/failures.ts'
import { OpenAIProvider } from '#generation/openai.ts'
import { writeCourse } from '#generation/pipeline.ts'
import { ModelError, type Usage } from '#generation/provider.ts'
import type { FinishedChapter } from '#generation/records.ts'
import { type Behaviour, ModelServer, type Question, sendStream, sendWhole } from '../../support/model-server.ts'

/** How one kind of server or answer is met, shown with a course of one module and two chapters: three questions. */
export interface Scenario {
  readonly name: string
  /** How often the server is asked in all. */
  readonly calls: number
  readonly outcome: 'course' | Failure
  readonly serve: () => Behaviour
  /** What the operator is told, as a pattern. */
  readonly told?: RegExp
  /** How often one of the questions has to be asked at least, where that is more than once. */
  readonly needed?: number
  readonly url?: (url: string) => string
  readonly timeoutMs?: number
  readonly language?: string
}

export interface Result {
  readonly scenario: Scenario
  readonly calls: number
  readonly outcome: string
  /** The most calls that one question took. */
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
  // A key in the query is the only one.
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
  if (admitted !== questions.length) throw new Error(`${admitted} questions were admitted, ${questions.length} asked`)
  const counts = Map.groupBy(questions, ({ what }) => what)
  const most = Math.max(...[...counts.values()].map((asked) => asked.length))
  const { fallbacks } = provider.client
  return { scenario, calls: questions.length, outcome, most, told, usage, chapters, questions, fallbacks }
}

/** Answers what is asked with an error, while `when` says so. */
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

/** Answers with what `change` makes of a good answer. */
export function say(change: (good: string, question: Question) => string): () => Behaviour {
  return () => (question) => change(question.good, question)
}

/** Sends a good answer in its own way. */
export function send(how: (response: ServerResponse, good: string, question: Question) => void): () => Behaviour {
  return () => (question, response) => {
    how(response, question.good, question)
    return null
  }
}

/** Sends the answer in the way that was asked for, with a change of its choice. */
export function sendAsAsked(response: ServerResponse, text: string, { body }: Question, change: object): void {
  const how = body.stream === true ? sendStream : sendWhole
  how(response, text, change).end()
}

/** As `serve` the first time that each thing, or any, is asked; well after that. */
export function first(serve: () => Behaviour, times = 1): () => Behaviour {
  return () => {
    const behaviour = serve()
    let asked = 0
    return (question, response) => (asked++ < times ? behaviour(question, response) : null)
  }
}

/** As `serve` says of one thing. */
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
