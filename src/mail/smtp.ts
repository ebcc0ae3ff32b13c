import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTransport, type Transporter } from 'nodemailer'
import { isMailable, normalize } from './address.ts'
import type { RenderedLetter } from './render.ts'

/** A server that does not connect, greet, or say anything more, for so long is tried again later; `deadlineMs` is for one letter in all. */
const TIMEOUTS = { connectMs: 10_000, silenceMs: 15_000, deadlineMs: 60_000 }

export interface OutgoingMail extends RenderedLetter {
  readonly to: string
  readonly language: string
}

/** The mail server refuses this letter, and will again. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** Hands letters to an SMTP server. */
export class Smtp {
  readonly #transport: Transporter
  readonly #from: string
  readonly #deadlineMs: number

  /** `url` as the configuration has checked it. */
  constructor(url: string, from: string, { connectMs, silenceMs, deadlineMs } = TIMEOUTS) {
    const { protocol, hostname, port, username, password, searchParams } = new URL(url)
    const ca = searchParams.get('ca')
    const secure = protocol === 'smtps:'
    const auth =
      username === '' ? undefined : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
    this.#from = from
    this.#deadlineMs = deadlineMs
    this.#transport = createTransport({
      host: hostname.replace(/^\[|\]$/g, ''),
      ...(port !== '' && { port: Number(port) }),
      secure,
      // A password goes over no line that others read.
      requireTLS: !secure && (auth !== undefined || ca !== null) && !isLoopback(hostname),
      ...(auth && { auth }),
      ...(ca !== null && { tls: { ca: readFileSync(ca) } }),
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: silenceMs,
      disableFileAccess: true,
      disableUrlAccess: true
    })
  }

  /** Resolves once the server has taken it. Throws `RefusedError` where another attempt is of no use. */
  async send({ to, subject, text, html, language }: OutgoingMail): Promise<void> {
    const address = normalize(to)
    // Of what is no plain address nodemailer would leave signs out, and send the letter to somebody else.
    if (!isMailable(address)) throw new RefusedError('this is no e-mail address')
    const mail = {
      from: this.#from,
      // An object is no list, and is not parsed.
      to: { name: '', address },
      subject,
      text,
      html,
      headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language }
    }
    const timer = new AbortController()
    const late = sleep(this.#deadlineMs, undefined, { signal: timer.signal }).then(
      () => Promise.reject(new Error(`the mail server took longer than ${this.#deadlineMs} ms`)),
      () => {}
    )
    try {
      await Promise.race([this.#transport.sendMail(mail), late])
    } catch (error) {
      throw isRefusal(error) ? new RefusedError('the mail server refuses the letter', { cause: error }) : error
    } finally {
      timer.abort()
    }
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

/** The recipient or the text is refused, for good. A refused password or sender is the operator's to mend, and then the letter goes out. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error && 'responseCode' in error)) return false
  const { code, responseCode } = error
  const isOfLetter = code === 'EMESSAGE' || (code === 'EENVELOPE' && 'rejected' in error)
  return isOfLetter && typeof responseCode === 'number' && responseCode >= 500
}
