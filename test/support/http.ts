import { once } from 'node:events'
import { connect } from 'node:net'
import type { Static, TSchema } from 'typebox'
import { parse } from './contract.ts'

const ANSWER_TIMEOUT_MS = 5000

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** One request, as a client sends it. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

/** The body of a GET, which must answer 200 with exactly this shape. */
export async function get<const T extends TSchema>(shape: T, url: string): Promise<Static<T>> {
  const { status, body } = await send(url)
  if (status !== 200) throw new Error(`GET ${url} answered ${status}: ${body}`)
  return parse(shape, body)
}

/** Sends any bytes to the server at `url`; resolves to the one answer before the server closes the connection. */
export async function sendBytes(url: string, bytes: string | Uint8Array): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(bytes)
  await once(socket, 'end', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).finally(() => socket.destroy())

  const text = Buffer.concat(chunks).toString()
  const end = text.indexOf('\r\n\r\n')
  const [statusLine, ...fields] = text.slice(0, end).split('\r\n')
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine ?? '')?.[1]
  if (end === -1 || status === undefined) throw new Error(`not an HTTP response: ${JSON.stringify(text)}`)
  const headers = new Headers()
  for (const field of fields) headers.append(field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1))
  return { status: Number(status), headers, body: text.slice(end + 4) }
}
