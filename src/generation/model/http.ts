import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** A whole answer may take this many times the idle timeout. */
const TOTAL_FACTOR = 10

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/**
 * Aborts when the model has been silent for `idleMs`, or is not done after ten times as long. A chapter that takes four
 * minutes does not time out while tokens keep arriving.
 */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #whole: NodeJS.Timeout
  #idle: NodeJS.Timeout
  #idleMs: number

  constructor(idleMs: number) {
    this.#idleMs = idleMs
    this.#whole = setTimeout(
      () => this.#abort(`not done after ${(TOTAL_FACTOR * idleMs) / 1000} s`),
      TOTAL_FACTOR * idleMs
    )
    this.#idle = this.#begin()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** A token arrived: restarts the idle timeout. `idleMs` shortens it from now on. */
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
    return setTimeout(() => this.#abort(`silent for ${this.#idleMs / 1000} s`), this.#idleMs)
  }

  #abort(reason: string): void {
    this.#controller.abort(new DeadlineError(reason))
  }
}

/**
 * Sends JSON; resolves once the headers of the response have arrived. Not `fetch`: Node's times out after five minutes
 * without headers or body data, whatever LLM_TIMEOUT says. Redirects are not followed: they would leak the key.
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

/** The pause that `Retry-After` (seconds or a date) or `retry-after-ms` asks for, in ms; null if neither does. */
export function retryAfterMs(headers: IncomingMessage['headers']): number | null {
  const exact = Number(headers['retry-after-ms'] ?? Number.NaN)
  if (exact >= 0) return exact
  const text = headers['retry-after']
  if (text === undefined) return null
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}
