import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '#logging/log.ts'
import { ModelError } from '../provider.ts'
import { type Address, addressOf } from './address.ts'
import { type Completion, readCompletion } from './completion.ts'
import { diagnose, isWrongUrl } from './diagnosis.ts'
import {
  adapted,
  adaptedByMessage,
  affordableLimit,
  cappedLimit,
  changes,
  type Dialect,
  FULL,
  largerLimit,
  looserFormat
} from './dialect.ts'
import { Deadline, DeadlineError, post, retryAfterMs } from './http.ts'
import { ModelMeter } from './meter.ts'
import { bodyOf, type Request } from './request.ts'
import { withoutSecrets } from './secrets.ts'
import { errorOf, ServiceError, UnreadableError } from './service-error.ts'

/** Pauses before the retries of a temporary failure, in ms, unless the service names its own. */
const PAUSES_MS = [1000, 8000]
/** If the service asks for a longer pause than this, the request fails instead. */
const MAX_WAIT_MS = 300_000
/** How long to wait for the token usage once the text of a stream is complete. */
const USAGE_MS = 5000
const MAX_ERROR_LENGTH = 64 * 1024
const MAX_REFUSALS = 5
const MAX_LOGGED_LENGTH = 1000

export interface ClientSettings {
  /** Null: OpenAI's. */
  readonly baseUrl: string | null
  /** Null: a server without authentication. */
  readonly apiKey: string | null
  readonly model: string
  /** How long a model may be silent, in ms. */
  readonly timeoutMs: number
}

export interface ClientParts {
  readonly log?: Log | null
  readonly meter?: ModelMeter
  /** Pauses before the retries. */
  readonly pausesMs?: readonly number[]
}

/** Asks one server, and remembers for the life of the process what that server supports. */
export class ModelClient {
  /** What the client stopped asking of the server, in words. */
  readonly fallbacks: string[] = []
  dialect = FULL
  readonly #settings: ClientSettings
  readonly #address: Address
  readonly #log: Log | null
  readonly #pausesMs: readonly number[]
  readonly #meter: ModelMeter
  /** The index of the URL in use. */
  #urlIndex = 0
  /**
   * The token limit that recent answers needed. Some servers count a limit as if it were used up, so it is lowered for
   * them.
   */
  #tokenLimit: number | null = null
  /** The server has answered once. Until then, requests go out one at a time to find out what it supports. */
  #isKnown = false
  /** The last request timed out: then requests do not queue up behind each other. */
  #hasTimedOut = false
  #turn: Promise<void> = Promise.resolve()

  constructor(settings: ClientSettings, { log = null, meter = new ModelMeter(), pausesMs = PAUSES_MS }: ClientParts) {
    this.#settings = settings
    this.#address = addressOf(settings.baseUrl, settings.apiKey)
    this.#log = log
    this.#pausesMs = pausesMs
    this.#meter = meter
  }

  /** Throws `ModelError` after all retries and fallbacks have failed. */
  async ask(request: Request): Promise<Completion> {
    const before = this.#turn
    const turn = Promise.withResolvers<void>()
    if (!this.#isOpen) {
      this.#turn = turn.promise
      await Promise.race([before, aborted(request.signal)])
    }
    if (this.#isOpen) turn.resolve()
    try {
      return await this.#ask(request, turn.resolve)
    } finally {
      turn.resolve()
    }
  }

  get #isOpen(): boolean {
    return this.#isKnown || this.#hasTimedOut
  }

  /** The next larger token limit after an answer that did not fit into `tokenLimit`; null if there is none. */
  largerLimit(tokenLimit: number | null): number | null {
    return largerLimit(this.dialect, tokenLimit ?? this.#tokenLimit)
  }

  async #ask(request: Request, onAnswer: () => void): Promise<Completion> {
    let failures = 0
    let refusals = 0
    let wanted = request.tokenLimit ?? this.#tokenLimit
    const before = { dialect: this.dialect, fallbacks: this.fallbacks.length }
    for (;;) {
      const [dialect, urlIndex] = [this.dialect, this.#urlIndex]
      const tokenLimit = cappedLimit(dialect, wanted)
      await request.admit()
      this.#meter.questions++
      try {
        const completion = await this.#send({ ...request, tokenLimit }, dialect, urlIndex, onAnswer)
        this.#isKnown = true
        if (completion.finish === 'stop' && tokenLimit !== null) this.#tokenLimit = tokenLimit
        if (completion.usage !== null) this.#meter.answered(completion.usage)
        if (completion.text.trim() !== '' || completion.refusal !== '' || /filtered|length/.test(completion.finish))
          return completion
        throw new UnreadableError('the answer is empty')
      } catch (error) {
        request.signal.throwIfAborted()
        this.#hasTimedOut = error instanceof DeadlineError
        if (this.#hasTimedOut) onAnswer()
        if (error instanceof ServiceError && (error.status === 402 || error.status === 413) && tokenLimit !== null) {
          wanted = affordableLimit(tokenLimit, error.message)
          this.#tokenLimit = wanted
          continue
        }
        const { failure, message, isTemporary, mayBeShape } = diagnose(error)
        const isShape = mayBeShape && (failure !== 'MODEL_TOO_LONG' || tokenLimit !== null)
        if (isShape && this.#fallBack(error, dialect, urlIndex, tokenLimit, ++refusals)) continue
        const waitMs = error instanceof ServiceError ? error.retryAfterMs : null
        const pauseMs = this.#pausesMs[failures++]
        if (!isTemporary || pauseMs === undefined || (waitMs ?? 0) > MAX_WAIT_MS) {
          if (refusals > 0 && dialect === this.dialect) this.#restore(before)
          this.#meter.failed(failure)
          throw new ModelError(failure, message, { cause: this.#describe(error) })
        }
        if (error instanceof UnreadableError && error.message.endsWith('is empty') && failures === 2)
          this.#change(looserFormat(dialect))
        await sleep(waitMs ?? pauseMs * (0.75 + Math.random() / 2), null, { signal: request.signal }).catch(() => {})
        request.signal.throwIfAborted()
      }
    }
  }

  /**
   * Switches to another dialect or URL after a refusal, unless a concurrent request already has; false if there is none
   * left.
   */
  #fallBack(error: unknown, dialect: Dialect, urlIndex: number, tokenLimit: number | null, refusals: number): boolean {
    if (dialect !== this.dialect || urlIndex !== this.#urlIndex) return refusals < MAX_REFUSALS
    if (error instanceof ServiceError) {
      // What has worked before is only given up if the error message names it.
      const next =
        this.#isKnown || isWrongUrl(error)
          ? adaptedByMessage(dialect, error.message, tokenLimit)
          : adapted(dialect, error, tokenLimit, refusals - 1)
      if (next !== null) {
        this.#change(next)
        return true
      }
    }
    if (this.#isKnown || !isWrongUrl(error)) return false
    const isLast = urlIndex + 1 === this.#address.urls.length
    this.#urlIndex = isLast ? 0 : urlIndex + 1
    if (!isLast) this.#noteFallback(`the URL ${this.#url(this.#urlIndex)} instead of ${this.#url(urlIndex)}`)
    return !isLast
  }

  async #send(request: Request, dialect: Dialect, urlIndex: number, onAnswer: () => void): Promise<Completion> {
    const url = this.#address.urls[urlIndex]
    if (url === undefined) throw new RangeError('no such URL')
    const deadline = new Deadline(this.#settings.timeoutMs)
    const signal = AbortSignal.any([request.signal, deadline.signal])
    try {
      const response = await post(url, this.#address.headers, bodyOf(this.#settings.model, request, dialect), signal)
      response.setEncoding('utf8')
      const status = response.statusCode ?? 0
      if (status < 200 || status >= 300) {
        let text = ''
        for await (const chunk of response) {
          text += chunk
          if (text.length > MAX_ERROR_LENGTH) break
        }
        const error = errorOf(text, status, retryAfterMs(response.headers))
        if (error.written !== '') return { text: error.written, finish: 'stop', refusal: '', usage: null }
        throw error
      }
      onAnswer()
      const completion = await readCompletion(
        response,
        () => deadline.touch(),
        () => deadline.touch(USAGE_MS)
      )
      request.signal.throwIfAborted()
      if (completion.finish !== 'broken' || request.isWhole(completion.text)) return completion
      throw deadline.signal.aborted ? deadline.signal.reason : new UnreadableError('the answer is incomplete')
    } catch (error) {
      throw deadline.signal.aborted && !(error instanceof ServiceError) ? deadline.signal.reason : error
    } finally {
      deadline.clear()
    }
  }

  #change(next: Dialect): void {
    for (const change of changes(this.dialect, next)) this.#noteFallback(change)
    this.dialect = next
  }

  /** No fallback helped, so the cause lies elsewhere. */
  #restore({ dialect, fallbacks }: { dialect: Dialect; fallbacks: number }): void {
    if (dialect === this.dialect) return
    this.dialect = dialect
    this.fallbacks.length = fallbacks
    this.#log?.warn(
      { model: this.#settings.model },
      'the fallbacks did not help: requests to the model service are as before again'
    )
  }

  #noteFallback(change: string): void {
    this.fallbacks.push(change)
    this.#log?.warn({ model: this.#settings.model }, `requests to the model service change from now on: ${change}`)
  }

  #url(urlIndex: number): string {
    return withoutSecrets(String(this.#address.urls[urlIndex]).replace(/\?.*/, ''), this.#address.secrets)
  }

  /** A text of the service for the log: without secrets, then truncated. */
  withoutSecrets(text: string): string {
    return withoutSecrets(text, this.#address.secrets).slice(0, MAX_LOGGED_LENGTH)
  }

  /** The error of the service, for the log. */
  #describe(error: unknown): string {
    const { message, cause } = error instanceof Error ? error : new Error(String(error))
    const inner = cause instanceof Error ? `: ${cause.message}` : ''
    const status = error instanceof ServiceError && error.status !== null ? `${error.status} ` : ''
    return this.withoutSecrets(`${status}${message}${inner}`)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
