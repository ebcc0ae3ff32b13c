import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** The header `X-Cache`, empty where there is none. */
  readonly cache: string
  readonly body: string
}

interface Waiting {
  resolve(answer: Answer): void
  reject(error: Error): void
}

const END_OF_HEAD = '\r\n\r\n'
const NOTHING = Buffer.alloc(0)

/**
 * One keep-alive connection to an HTTP/1.1 server on this machine, with pipelining: requests are sent at once, answers come
 * in order, and must have a Content-Length. It connects at the first request, and again after a disconnect. (`fetch` would
 * use more CPU than the service under test.)
 */
export class HttpPipeline {
  readonly #port: () => number
  #socket: Socket | null = null
  #waiting: Waiting[] = []
  #received: Buffer = NOTHING
  #outgoing = ''

  constructor(port: () => number) {
    this.#port = port
  }

  get(path: string): Promise<Answer> {
    return this.#send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  }

  post(path: string, body: unknown): Promise<Answer> {
    const text = JSON.stringify(body)
    return this.#send(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
    )
  }

  close(): void {
    this.#socket?.destroy()
  }

  #send(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      // Requests of the same turn of the event loop are sent together.
      if (this.#outgoing === '') queueMicrotask(() => this.#flush())
      this.#outgoing += request
    })
  }

  #flush(): void {
    const requests = this.#outgoing
    this.#outgoing = ''
    this.#socket ??= this.#connect()
    this.#socket.write(requests)
  }

  #connect(): Socket {
    const socket = connect({ port: this.#port(), host: '127.0.0.1', noDelay: true })
    let reason = new Error('the connection was closed')
    socket.on('error', (error) => {
      reason = error
    })
    socket.on('close', () => {
      const waiting = this.#waiting
      this.#waiting = []
      this.#socket = null
      this.#received = NOTHING
      for (const { reject } of waiting) reject(reason)
    })
    socket.on('end', () => socket.destroy())
    socket.on('data', (chunk) => this.#receive(chunk))
    return socket
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    let at = 0
    while (at < bytes.length) {
      const endOfHead = bytes.indexOf(END_OF_HEAD, at)
      if (endOfHead === -1) break
      const head = bytes.toString('latin1', at, endOfHead)
      const start = endOfHead + END_OF_HEAD.length
      const end = start + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
      if (Number.isNaN(end)) {
        this.#socket?.destroy(new Error(`an answer without a length:\n${head}`))
        return
      }
      if (end > bytes.length) break
      this.#waiting.shift()?.resolve({
        status: Number(head.slice(9, 12)),
        cache: /\r\nx-cache: (\w+)/i.exec(head)?.[1] ?? '',
        body: bytes.toString('utf8', start, end)
      })
      at = end
    }
    this.#received = bytes.subarray(at)
  }
}
