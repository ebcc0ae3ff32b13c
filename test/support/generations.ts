import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import type { Environment } from '#config/environment.ts'
import type { Actor } from './actors.ts'
import { parse } from './contract.ts'
import { until } from './eventually.ts'
import { bodyOf } from './people.ts'
import { inherited, ownNode, type ServerProcess, startServer } from './server-process.ts'
import { type Service, script } from './service.ts'

/** The shape in the HTTP contract, written from its document. */
const count = Type.Integer({ minimum: 0 })
const exact = { additionalProperties: false }
const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' })
export const Generation = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
    status: Type.Enum(['queued', 'running', 'completed', 'failed', 'cancelled']),
    stage: Type.Enum(['queued', 'outline', 'chapters', 'saving', 'done']),
    topic: Type.String(),
    progress: Type.Object({ completed: count, total: count, percent: count }, exact),
    outline: Type.Union([
      Type.Null(),
      Type.Object(
        {
          title: Type.String(),
          summary: Type.String(),
          modules: Type.Array(
            Type.Object(
              {
                title: Type.String(),
                chapters: Type.Array(Type.Object({ title: Type.String(), done: Type.Boolean() }, exact))
              },
              exact
            )
          )
        },
        exact
      )
    ]),
    courseId: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    chapterId: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    error: Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    errorCode: Type.Union([Type.String({ pattern: '^[A-Z_]+$' }), Type.Null()]),
    createdAt: time,
    updatedAt: time
  },
  exact
)
export type Generation = Static<typeof Generation>

export const PATH = '/api/v1/generation'
export const wanted = { topic: 'Chess', level: 'beginner', language: 'en', modules: 2, chaptersPerModule: 2 }

/** Requests a course; resolves to the accepted generation. */
export async function generate(actor: Actor, change: object = {}, headers = {}): Promise<Generation> {
  return bodyOf(Generation, await actor.request('POST', PATH, { ...wanted, ...change }, headers), 202)
}

const GenerationPage = Type.Object(
  { items: Type.Array(Generation), page: count, limit: count, total: count, pages: count },
  exact
)

/** The first page of the actor's generations. */
export async function page(actor: Actor): Promise<Static<typeof GenerationPage>> {
  return bodyOf(GenerationPage, await actor.get(PATH))
}

export async function generation(actor: Actor, id: string): Promise<Generation> {
  return bodyOf(Generation, await actor.get(`${PATH}/${id}`))
}

/** The generation once it has ended. */
export async function ended(actor: Actor, id: string, withinMs = 60_000): Promise<Generation> {
  const end = Date.now() + withinMs
  for (;;) {
    const now = await generation(actor, id)
    if (now.status !== 'queued' && now.status !== 'running') return now
    if (Date.now() > end) throw new Error(`still ${now.status} after ${withinMs} ms: ${JSON.stringify(now)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export interface Event {
  readonly id: number
  readonly generation: Generation
}

/** All events of a stream, to its end. */
export async function events(answer: Promise<Response>): Promise<Event[]> {
  const response = await answer
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`)
  return text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
      if (field('event') !== 'progress') throw new Error(`not a progress event: ${block}`)
      return { id: Number(field('id')), generation: parse(Generation, field('data')) }
    })
}

/**
 * Cancels all generations and waits until the worker has dropped them, which would otherwise delay the end of the test.
 */
export async function cancelAll({ app }: Service): Promise<void> {
  await app.database.client.generationJob.updateMany({ data: { status: 'cancelled' } })
  await until(() => app.generationFeed.followers === 0, 10_000)
}

/** Starts a worker process from this copy of the repository or another. The caller ends it. */
export function spawnWorker(env: Environment, root = script('')): Promise<ServerProcess> {
  const options = { cwd: root, env: { ...inherited, ...env } }
  const [node, ...own] = ownNode
  return startServer(node, [...own, join(root, 'src', 'worker.ts')], /worker ready/, options)
}
