import type { FastifyInstance } from 'fastify'

/** Counts the requests that take Fastify's life cycle: those of the front door run no hooks. */
export class NormalPath {
  #requests = 0

  /** For `buildApp`. It adds an `onSend` hook, which also runs for requests that an earlier plugin refuses. */
  readonly extend = (app: FastifyInstance): void => {
    app.addHook('onSend', (_request, _reply, payload, done) => {
      this.#requests++
      done(null, payload)
    })
  }

  /** The result of `ask`, and how many requests took the normal path meanwhile. */
  async during<T>(ask: () => Promise<T>): Promise<{ normal: number; answer: T }> {
    const before = this.#requests
    const answer = await ask()
    return { normal: this.#requests - before, answer }
  }
}
