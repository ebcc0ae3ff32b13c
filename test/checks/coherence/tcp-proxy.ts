import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A proxy between a client and a server on this machine that can fail like a network. */
export class TcpProxy {
  readonly port: number
  readonly #sockets = new Set<Socket>()
  #state: 'open' | 'silent' | 'cut' = 'open'
  #delayMs = 0

  private constructor(port: number) {
    this.port = port
  }

  static async start(target: number): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const proxy = new TcpProxy(address.port)
    server.on('connection', (client) => proxy.#join(client, target))
    server.unref()
    return proxy
  }

  /** Delays all data, in both directions. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** Drops all data silently. */
  silence(): void {
    this.#state = 'silent'
    for (const socket of this.#sockets) socket.pause()
  }

  /** Resets every connection, including new ones. */
  cut(): void {
    this.#state = 'cut'
    for (const socket of this.#sockets) socket.destroy()
  }

  open(): void {
    this.#state = 'open'
    for (const socket of this.#sockets) socket.resume()
  }

  #join(client: Socket, target: number): void {
    if (this.#state === 'cut') {
      client.destroy()
      return
    }
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true })
    client.setNoDelay(true)
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      this.#sockets.add(from)
      from.on('data', (chunk) => {
        if (this.#delayMs === 0) to.write(chunk)
        else setTimeout(() => to.write(chunk), this.#delayMs)
      })
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      if (this.#state === 'silent') from.pause()
    }
  }
}
