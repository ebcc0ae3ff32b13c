import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '#logging/log.ts'
import { ModelError } from '../provider.ts'
import { type Address, addressOf } from './address.ts'
import { type Completion, readCompletion } from './completion.ts'
import { diagnose, isElsewhere } from './diagnosis.ts'
import { adapted, affordable, byWords, changes, type Dialect, FULL, looserFormat, roomAt, roomier } from './dialect.ts'
import { Deadline, DeadlineError, post, retryAfterMs } from './http.ts'
import { ModelMeter } from './meter.ts'
import { bodyOf, type Request } from './request.ts'
import { withoutSecrets } from './secrets.ts'
import { errorOf, ServiceError, UnreadableError } from './service-error.ts'

/** How often what may pass is asked again: after these pauses, in ms, or as long as the service says. */
const PAUSES_MS = [1000, 8000]
/** Who is to wait for longer is told that the service is busy. */
const MAX_WAIT_MS = 300_000
/** How long the tokens of a stream are waited for once its text is there. */
const USAGE_MS = 5000
const MAX_ERROR = 64 * 1024
const MAX_REFUSALS = 5
const MAX_SAID = 1000

export interface ClientSettings {
  /** Null: OpenAI's own. */
  readonly baseUrl: string | null
  /** Null: for a server that asks for none. */
  readonly apiKey: string | null
  readonly model: string
  /** How long a model may say nothing, in ms. */
  readonly timeoutMs: number
}

export interface ClientParts {
  readonly log?: Log | null
  readonly meter?: ModelMeter
  /** Between questions that fail. */
  readonly pausesMs?: readonly number[]
}

/** Asks one server, and remembers for the process what that server can do. */
export class ModelClient {
  /** What was changed, in words. */
  readonly fallbacks: string[] = []
  dialect = FULL
  readonly #settings: ClientSettings
  readonly #address: Address
  readonly #log: Log | null
  readonly #pausesMs: readonly number[]
  readonly #meter: ModelMeter
  #place = 0
  /** How long answers had to be let be lately, in tokens. Some servers count it as if it were used: it is taken back there. */
  #room: number | null = null
  /** A server that has answered is known: until then one question at a time finds out what it takes. */
  #isKnown = false
  /** One that says nothing is not waited for by one question after the other. */
  #isSilent = false
  #turn: Promise<void> = Promise.resolve()

  constructor(settings: ClientSettings, { log = null, meter = new ModelMeter(), pausesMs = PAUSES_MS }: ClientParts) {
    this.#settings = settings
    this.#address = addressOf(settings.baseUrl, settings.apiKey)
    this.#log = log
    this.#pausesMs = pausesMs
    this.#meter = meter
  }

  /** Throws `ModelError` once nothing helps any more. */
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
    return this.#isKnown || this.#isSilent
  }

  /** How long an answer may be that did not fit into `room`; null where it cannot be longer. */
  roomier(room: number | null): number | null {
    return roomier(this.dialect, room ?? this.#room)
  }

  async #ask(request: Request, onAnswer: () => void): Promise<Completion> {
    let failures = 0
    let refusals = 0
    let wanted = request.room ?? this.#room
    const before = { dialect: this.dialect, fallbacks: this.fallbacks.length }
    for (;;) {
      const [dialect, place] = [this.dialect, this.#place]
      const room = roomAt(dialect, wanted)
      await request.admit()
      this.#meter.questions++
      try {
        const completion = await this.#send({ ...request, room }, dialect, place, onAnswer)
        this.#isKnown = true
        if (completion.finish === 'stop' && room !== null) this.#room = room
        if (completion.usage !== null) this.#meter.answered(completion.usage)
        if (completion.text.trim() !== '' || completion.refusal !== '' || /filtered|length/.test(completion.finish))
          return completion
        throw new UnreadableError('the answer is empty')
      } catch (error) {
        request.signal.throwIfAborted()
        this.#isSilent = error instanceof DeadlineError
        if (this.#isSilent) onAnswer()
        if (error instanceof ServiceError && (error.status === 402 || error.status === 413) && room !== null) {
          wanted = affordable(room, error.message)
          this.#room = wanted
          continue
        }
        const { failure, message, isPassing, isAboutForm } = diagnose(error)
        const isForm = isAboutForm && (failure !== 'MODEL_TOO_LONG' || room !== null)
        if (isForm && this.#goesOn(error, dialect, place, room, ++refusals)) continue
        const waitMs = error instanceof ServiceError ? error.retryAfterMs : null
        const pauseMs = this.#pausesMs[failures++]
        if (!isPassing || pauseMs === undefined || (waitMs ?? 0) > MAX_WAIT_MS) {
          if (refusals > 0 && dialect === this.dialect) this.#restore(before)
          this.#meter.failed(failure)
          throw new ModelError(failure, message, { cause: this.#said(error) })
        }
        if (error instanceof UnreadableError && error.message.endsWith('is empty') && failures === 2)
          this.#change(looserFormat(dialect))
        await sleep(waitMs ?? pauseMs * (0.75 + Math.random() / 2), null, { signal: request.signal }).catch(() => {})
        request.signal.throwIfAborted()
      }
    }
  }

  /** Whether there is another way to ask: one that this refusal, or another question meanwhile, has led to. */
  #goesOn(error: unknown, dialect: Dialect, place: number, room: number | null, refusals: number): boolean {
    if (dialect !== this.dialect || place !== this.#place) return refusals < MAX_REFUSALS
    if (error instanceof ServiceError) {
      // What has worked is left for a reason only.
      const next =
        this.#isKnown || isElsewhere(error)
          ? byWords(dialect, error.message, room)
          : adapted(dialect, error, room, refusals - 1)
      if (next !== null) {
        this.#change(next)
        return true
      }
    }
    if (this.#isKnown || !isElsewhere(error)) return false
    const isLast = place + 1 === this.#address.urls.length
    this.#place = isLast ? 0 : place + 1
    if (!isLast) this.#tell(`the address ${this.#url(this.#place)} instead of ${this.#url(place)}`)
    return !isLast
  }

  async #send(request: Request, dialect: Dialect, place: number, onAnswer: () => void): Promise<Completion> {
    const url = this.#address.urls[place]
    if (url === undefined) throw new RangeError('no such address')
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
          if (text.length > MAX_ERROR) break
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
      throw deadline.signal.aborted ? deadline.signal.reason : new UnreadableError('the answer breaks off')
    } catch (error) {
      throw deadline.signal.aborted && !(error instanceof ServiceError) ? deadline.signal.reason : error
    } finally {
      deadline.clear()
    }
  }

  #change(next: Dialect): void {
    for (const change of changes(this.dialect, next)) this.#tell(change)
    this.dialect = next
  }

  /** Nothing has helped: it was not the form that was refused. */
  #restore({ dialect, fallbacks }: { dialect: Dialect; fallbacks: number }): void {
    if (dialect === this.dialect) return
    this.dialect = dialect
    this.fallbacks.length = fallbacks
    this.#log?.warn({ model: this.#settings.model }, 'that did not help: the model service is asked as before')
  }

  #tell(change: string): void {
    this.fallbacks.push(change)
    this.#log?.warn({ model: this.#settings.model }, `the model service is asked otherwise from now on: ${change}`)
  }

  #url(place: number): string {
    return withoutSecrets(String(this.#address.urls[place]).replace(/\?.*/, ''), this.#address.secrets)
  }

  /** A text of the service for the log: cut where it is long, after the key is out of it. */
  withoutSecrets(text: string): string {
    return withoutSecrets(text, this.#address.secrets).slice(0, MAX_SAID)
  }

  /** What the service said, for the log. */
  #said(error: unknown): string {
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
