import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { cachedByParams } from '#plugins/app/cached-routes.ts'
import type { Answer } from './http.ts'

/** Long enough for requests to arrive and start waiting for a load. */
export const ARRIVED_MS = 100

/** A handler with this answer, and the expected outcome. */
export const says = (text: string) => () => ({ text })
export const said = (cache: string, text: string) => [200, cache, JSON.stringify({ text })]
export const outcome = ({ status, headers, body }: Answer) => [status, headers.get('x-cache'), body]

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** A handler that answers once released; `started` resolves when it runs. */
export interface Gated {
  readonly handler: Handler
  readonly started: Promise<void>
  readonly finish: () => void
}

export function gated(answer: Handler): Gated {
  const started = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const handler: Handler = async (request, reply) => {
    started.resolve()
    await gate.promise
    return answer(request, reply)
  }
  return { handler, started: started.promise, finish: gate.resolve }
}

const Params = Type.Object({ name: Type.String({ pattern: '^[a-z]+-[0-9]+$' }) })

export const HANDLER_TIMEOUT_MS = 400

export const BRIEF_MS = 200

/**
 * Cached routes whose loads a test scripts: `/scripted/:name`; `/timed/:name`, which has a `handlerTimeout` and the
 * same entries; `/brief/:name`, whose entries expire soon.
 */
export class ScriptedRoutes {
  #names = 0
  /** How many keys were built. */
  specs = 0
  readonly #handlers = new Map<string, { handlers: Handler[]; loads: number }>()

  /** A name without cached entries: its first load runs the first handler, and so on; the last handler is repeated. */
  name(...handlers: Handler[]): string {
    const name = `load-${++this.#names}`
    this.#handlers.set(name, { handlers, loads: 0 })
    return name
  }

  loads(name: string): number {
    return this.#handlers.get(name)?.loads ?? 0
  }

  readonly extend = (app: FastifyInstance): void => {
    const living = (ttlMs: number) => {
      const cache = cachedByParams(Params, {
        spec: ({ name }) => {
          this.specs++
          return { key: `course:${name}`, tags: [`course:${name}`], shape: 'scripted', ttlMs }
        }
      })
      return { config: { public: true, cache }, schema: { params: Params } }
    }
    const options = living(60_000)
    app.get<{ Params: { name: string } }>('/brief/:name', living(BRIEF_MS), this.#run)
    app.get<{ Params: { name: string } }>('/scripted/:name', options, this.#run)
    app.get<{ Params: { name: string } }>('/timed/:name', { ...options, handlerTimeout: HANDLER_TIMEOUT_MS }, this.#run)
  }

  readonly #run = async (request: FastifyRequest<{ Params: { name: string } }>, reply: FastifyReply) => {
    const script = this.#handlers.get(request.params.name)
    const handler = script?.handlers[Math.min(script.loads, script.handlers.length - 1)]
    if (script === undefined || handler === undefined) throw new Error('no script')
    script.loads++
    return handler(request, reply)
  }
}
