import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

/** Answers a request itself, which may take a while, or returns false. */
export type Answer = (raw: IncomingMessage, response: ServerResponse, normalPath: RequestListener) => boolean

/** It is closed until its plugin opens it: every server of the service asks it first (`serverFactory` in src/app.ts). */
export class FrontDoor {
  #answer: Answer = () => false

  open(answer: Answer): void {
    this.#answer = answer
  }

  /** The listener of a server: what the front door does not answer takes the normal path. */
  before(normalPath: RequestListener): RequestListener {
    return (raw, response) => {
      if (!this.#answer(raw, response, normalPath)) normalPath(raw, response)
    }
  }
}
