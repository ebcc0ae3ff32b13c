import { once } from 'node:events'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Test } from 'tap'
import { until } from './eventually.ts'

export interface ReceivedMail {
  readonly to: string[]
  /** The received headers, with encoded words decoded. */
  readonly headers: Map<string, string>
  readonly text: string
  readonly html: string
}

/** A real SMTP server on a free port, stopped with the test. */
export class MailServer {
  readonly port: number
  readonly received: ReceivedMail[]

  private constructor(port: number, received: ReceivedMail[]) {
    this.port = port
    this.received = received
  }

  static async start(t: Test, options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
    const received: ReceivedMail[] = []
    const server = new SMTPServer({
      disabledCommands: options.key === undefined ? ['STARTTLS', 'AUTH'] : [],
      authOptional: true,
      onData: async (stream, session, callback) => {
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(chunk)
        const to = session.envelope.rcptTo.map(({ address }) => address)
        received.push({ to, ...parsed(Buffer.concat(chunks).toString('latin1')) })
        callback()
      },
      ...options
    })
    // Aborted connections are checked by the tests that care.
    server.on('error', () => {})
    server.listen(port, '127.0.0.1')
    await once(server.server, 'listening')
    t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))
    const address = server.server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return new MailServer(address.port, received)
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`
  }

  /** The environment of a service that sends through this server. */
  get env() {
    return {
      MAIL_URL: this.url,
      MAIL_FROM: 'AI Akademiya <no-reply@academy.example>',
      PUBLIC_URL: 'https://academy.example'
    }
  }

  /** Waits for the first mail to this address, removes it, and returns it with the token of its link. */
  async next(to: string): Promise<ReceivedMail & { token: string }> {
    const index = () => this.received.findIndex((mail) => mail.to.includes(to))
    await until(() => index() !== -1, 20_000)
    const [mail] = this.received.splice(index(), 1)
    if (mail === undefined) throw new Error('no mail')
    return { ...mail, token: /#token=([\w-]+)/.exec(mail.text)?.[1] ?? '' }
  }
}

function parsed(raw: string): Omit<ReceivedMail, 'to'> {
  const { headers, body } = part(raw)
  const boundary = /boundary="?([^";]+)/.exec(headers.get('content-type') ?? '')?.[1]
  const parts = boundary === undefined ? [] : body.split(`--${boundary}`).map((text) => part(text.replace(/^\r\n/, '')))
  const contentOf = (type: string) => {
    const found = parts.find((part) => part.headers.get('content-type')?.startsWith(type))
    return found === undefined ? '' : decoded(found.body, found.headers.get('content-transfer-encoding'))
  }
  return { headers, text: contentOf('text/plain'), html: contentOf('text/html') }
}

function part(raw: string) {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(':')
      return [line.slice(0, at).toLowerCase(), decodedWords(line.slice(at + 1).trim())]
    })
  )
  return { headers, body: raw.slice(end + 4) }
}

function decoded(body: string, encoding = '7bit'): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  return encoding === 'quoted-printable' ? unquoted(body.replace(/=\r\n/g, '')) : body
}

function unquoted(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** RFC 2047. */
function decodedWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([BQ])\?(.*?)\?=/gi, (_, kind, text) =>
      kind.toUpperCase() === 'B' ? Buffer.from(text, 'base64').toString() : unquoted(text.replaceAll('_', ' '))
    )
}
