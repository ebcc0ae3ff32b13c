import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

/** Returns true if it answers the request, maybe later; false if it does not. */
export type Answer = (raw: IncomingMessage, response: ServerResponse, normalPath: RequestListener) => boolean

/**
 * Every server of the service asks it first (`serverFactory` in src/app.ts). It answers nothing until its plugin opens
 * it.
 */
export class FrontDoor {
  #answer: Answer = () => false

  open(answer: Answer): void {
    this.#answer = answer
  }

  /** Wraps the listener of a server: requests that the front door does not answer take the normal path. */
  before(normalPath: RequestListener): RequestListener {
    return (raw, response) => {
      if (!this.#answer(raw, response, normalPath)) normalPath(raw, response)
    }
  }
}
