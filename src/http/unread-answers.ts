import type { Server } from 'node:http'
import type { Socket } from 'node:net'

const CHECK_INTERVAL_MS = 1000

/**
 * Stops reading from a client that has not taken its answer within a second, until it has. Every byte that arrives
 * restarts Node's timeout of the connection: without this, a client that keeps sending line breaks and reads nothing
 * would never time out.
 */
export function pauseUnread(server: Server): void {
  const sockets = new Set<Socket>()
  const unread = new Set<Socket>()
  const paused = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => {
      for (const set of [sockets, unread, paused]) set.delete(socket)
    })
  })

  const check = setInterval(() => {
    for (const socket of sockets) {
      if (socket.writableLength === 0) {
        unread.delete(socket)
        if (paused.delete(socket)) socket.resume()
      } else if (!unread.has(socket)) unread.add(socket)
      else if (!socket.isPaused()) {
        // Sockets that were paused for another reason are resumed by whoever paused them.
        paused.add(socket.pause())
      }
    }
  }, CHECK_INTERVAL_MS)
  check.unref()
  server.once('close', () => clearInterval(check))
}
