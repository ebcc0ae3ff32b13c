import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, Target } from '../attack.ts'

const CONNECTIONS = 500
const SECONDS = 45

/** Requests that never complete: a header a second, and bodies at a byte a second. */
export const attack: Attack = {
  name: `${CONNECTIONS} connections that send a byte a second`,
  seconds: SECONDS + 10,
  async run({ url }: Target) {
    const { hostname, port } = new URL(url)
    let closed = 0
    const sockets: Socket[] = []
    for (let i = 0; i < CONNECTIONS; i++) {
      const socket = connect({ port: Number(port), host: hostname, localAddress: '127.0.0.9' })
      socket.on('error', () => {})
      socket.on('close', () => closed++)
      socket.resume()
      sockets.push(socket)
      await once(socket, 'connect').catch(() => {})
      socket.write(
        i % 2 === 0
          ? 'GET / HTTP/1.1\r\nHost: slow.example\r\n'
          : 'POST /api/v1/auth/login HTTP/1.1\r\nHost: slow.example\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{'
      )
    }
    for (let second = 0; second < SECONDS && closed < CONNECTIONS; second++) {
      for (const [i, socket] of sockets.entries()) if (socket.writable) socket.write(i % 2 === 0 ? 'x: y\r\n' : ' ')
      await sleep(1000)
    }
    const held = CONNECTIONS - closed
    for (const socket of sockets) socket.destroy()
    if (held > 0) throw new Error(`${held} connections were still open after ${SECONDS} s`)
    return 'all connections were closed'
  }
}
