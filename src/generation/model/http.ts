import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** How often the idle time an answer may take as a whole. */
const WHOLE_ANSWERS = 10

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/**
 * Aborts when the model has said nothing for `idleMs`, or is not done after ten times as long. `Reply` and its body are
 * read under it: a chapter that takes four minutes is no timeout while its tokens come.
 */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #whole: NodeJS.Timeout
  #idle: NodeJS.Timeout
  #idleMs: number

  constructor(idleMs: number) {
    this.#idleMs = idleMs
    this.#whole = setTimeout(
      () => this.#abort(`not done after ${(WHOLE_ANSWERS * idleMs) / 1000} s`),
      WHOLE_ANSWERS * idleMs
    )
    this.#idle = this.#begin()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** A token came: the time begins anew. `idleMs` shortens it from now on. */
  touch(idleMs = this.#idleMs): void {
    this.#idleMs = Math.min(idleMs, this.#idleMs)
    clearTimeout(this.#idle)
    this.#idle = this.#begin()
  }

  clear(): void {
    clearTimeout(this.#whole)
    clearTimeout(this.#idle)
  }

  #begin(): NodeJS.Timeout {
    return setTimeout(() => this.#abort(`nothing for ${this.#idleMs / 1000} s`), this.#idleMs)
  }

  #abort(reason: string): void {
    this.#controller.abort(new DeadlineError(reason))
  }
}

/**
 * Sends JSON; resolves to the answer when its head is there. Node's `fetch` ends every request that has no head, or whose body
 * pauses, for five minutes, whatever LLM_TIMEOUT says. Redirects are not followed: they would carry the key elsewhere.
 */
export function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  signal: AbortSignal
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const text = JSON.stringify(body)
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    signal,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  })
  request.on('response', resolve).on('error', reject).end(text)
  return promise
}

/** How long `Retry-After` (seconds, or a date) or `retry-after-ms` tells to wait, in ms; null where they say nothing. */
export function retryAfterMs(headers: IncomingMessage['headers']): number | null {
  const exact = Number(headers['retry-after-ms'] ?? Number.NaN)
  if (exact >= 0) return exact
  const text = headers['retry-after']
  if (text === undefined) return null
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}
