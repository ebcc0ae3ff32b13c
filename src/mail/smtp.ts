import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTransport, type Transporter } from 'nodemailer'
import { ConfigError } from '#config/environment.ts'
import { isMailable, normalize } from './address.ts'
import { type OutgoingMail, RefusedError } from './outgoing-mail.ts'

/**
 * Timeouts to connect, for the greeting and for silence, after which the letter is retried later; `deadlineMs` is for
 * one letter in total.
 */
const TIMEOUTS = { connectMs: 10_000, silenceMs: 15_000, deadlineMs: 60_000 }

/** Hands letters to an SMTP server. */
export class Smtp {
  readonly #transport: Transporter
  readonly #from: string
  readonly #deadlineMs: number

  /** `url` has been validated by the configuration. Throws `ConfigError`. */
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
      // A password must not be sent unencrypted.
      requireTLS: !secure && (auth !== undefined || ca !== null) && !isLoopback(hostname),
      ...(auth && { auth }),
      ...(ca !== null && { tls: { ca: readCertificate(url, ca) } }),
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: silenceMs,
      disableFileAccess: true,
      disableUrlAccess: true
    })
  }

  /** Resolves once the server has accepted the letter. Throws `RefusedError` if a retry is pointless. */
  async send({ to, subject, text, html, language }: OutgoingMail): Promise<void> {
    const address = normalize(to)
    // In an unusual address nodemailer would drop characters, and send the letter to somebody else.
    if (!isMailable(address)) throw new RefusedError('not a valid e-mail address')
    const mail = {
      from: this.#from,
      // Nodemailer would parse a string as a list of addresses, but not an object.
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
      throw isRefusal(error) ? new RefusedError('the mail server refused the letter', { cause: error }) : error
    } finally {
      timer.abort()
    }
  }
}

function readCertificate(url: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    throw new ConfigError('MAIL_URL', url, `it refers to ${path}, a file that cannot be read`, true)
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

/**
 * Whether the recipient or the text was refused permanently. A refused password or sender is for the operator to fix;
 * then a retry succeeds.
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error && 'responseCode' in error)) return false
  const { code, responseCode } = error
  const isOfLetter = code === 'EMESSAGE' || (code === 'EENVELOPE' && 'rejected' in error)
  return isOfLetter && typeof responseCode === 'number' && responseCode >= 500
}
