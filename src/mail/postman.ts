import type { Log } from '#logging/log.ts'
import type { DueLetter, Letters } from './letters.ts'
import { type OutgoingMail, RefusedError } from './outgoing-mail.ts'
import { renderLetter } from './render.ts'

/** Letters that one process sends at a time. */
const AT_ONCE = 4
/** How often it looks for letters ordered by other processes and for letters to retry. */
const POLL_MS = 5000
const SWEEP_MS = 3_600_000
const MAX_ATTEMPTS = 8
const FIRST_DELAY_MS = 10_000
const LONGEST_DELAY_MS = 900_000
/** How long a stopping process waits for letters under way; otherwise another process sends them again. */
const GRACE_MS = 5000

/**
 * Pages of the front end, below `PUBLIC_URL`. The token follows a `#`, so that no server and no log on the way sees it.
 */
const pages = {
  password_reset: '/reset-password',
  email_verification: '/verify-email',
  email_change: '/verify-email',
  email_change_notice: '/'
} as const

export interface PostmanOptions {
  readonly letters: Letters
  readonly publicUrl: string
  readonly send: (mail: OutgoingMail) => Promise<void>
  readonly log: Log
}

/** Sends waiting letters outside of any request, so that a slow or dead mail server delays nobody. */
export class Postman {
  readonly #options: PostmanOptions
  readonly #rounds = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | null = null
  #sweptAt = 0
  #stopping = false

  constructor(options: PostmanOptions) {
    this.#options = options
  }

  start(): void {
    this.wake()
    this.#timer = setInterval(() => this.wake(), POLL_MS)
    this.#timer.unref()
  }

  /** Call it when there may be a letter. */
  wake(): void {
    if (this.#stopping || this.#rounds.size >= AT_ONCE) return
    const round = this.#round()
      .catch((err) =>
        this.#options.log.error({ err }, 'letters are waiting: the database does not answer; check DATABASE_URL')
      )
      .finally(() => this.#rounds.delete(round))
    this.#rounds.add(round)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#timer !== null) clearInterval(this.#timer)
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, GRACE_MS)
    await Promise.race([Promise.all(this.#rounds), promise])
    clearTimeout(timer)
  }

  async #round(): Promise<void> {
    const { letters } = this.#options
    if (Date.now() - this.#sweptAt > SWEEP_MS) {
      this.#sweptAt = Date.now()
      await letters.sweep()
    }
    while (!this.#stopping) {
      const letter = await letters.take()
      if (letter === null) return
      // There may be more than one.
      this.wake()
      await this.#deliver(letter)
    }
  }

  async #deliver(letter: DueLetter): Promise<void> {
    const { letters, publicUrl, send, log } = this.#options
    const { id, kind, email, language, attempts } = letter
    const token = await letters.prepare(letter)
    if (token === undefined) return letters.settle(id)
    const link = token === null ? null : `${publicUrl}${pages[kind]}#token=${token}`
    const about = { letter: id, kind, attempts }
    try {
      await send({ to: email, language, ...renderLetter(kind, language, link) })
      await letters.settle(id)
      log.info(about, 'letter sent')
    } catch (err) {
      const isLast = err instanceof RefusedError || attempts >= MAX_ATTEMPTS
      if (isLast) {
        log.error({ ...about, err }, 'gave up sending a letter: the user may request another one')
        return letters.giveUp(id)
      }
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 3 ** (attempts - 1))
      log.warn(
        { ...about, err, againInS: delayMs / 1000 },
        'a letter could not be sent: retrying; check MAIL_URL and the mail server'
      )
      await letters.postpone(id, delayMs)
    }
  }
}
