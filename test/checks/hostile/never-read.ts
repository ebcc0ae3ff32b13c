import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const CHUNK_BYTES = 60_000
/** The pause before a disconnected client reconnects, in ms. */
const BACK_AFTER_MS = 1000
const PROBE_MS = 100
/** Attackers have separate addresses on this machine, so that they share no limit with the visitor. */
const ATTACKER = '127.0.0.9'

/**
 * Keeps the given number of connections open. Each sends 60 KB of requests for `path` at once, never reads, and
 * reconnects when it is disconnected. Resolves to the number of disconnects.
 */
export async function neverRead(url: string, path: string, connections: number, ms: number): Promise<number> {
  const over = AbortSignal.timeout(ms)
  let disconnects = 0
  const client = async () => {
    while (!over.aborted) {
      const socket = connectTo(url)
      socket.write(pipelined(path))
      // A client that does not read notices a disconnect only by writing: it sends an empty line, which is not a
      // request.
      const probe = setInterval(() => socket.write('\r\n'), PROBE_MS)
      await once(socket, 'close', { signal: over }).catch(() => {})
      clearInterval(probe)
      socket.destroy()
      if (over.aborted) return
      disconnects++
      await sleep(BACK_AFTER_MS)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  return disconnects
}

/** A connection that reads nothing until it is resumed. */
export function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url)
  // A reset is expected.
  return connect({ port: Number(port), host: hostname, localAddress: ATTACKER })
    .on('error', () => {})
    .pause()
}

function pipelined(path: string): string {
  const request = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  return request.repeat(Math.floor(CHUNK_BYTES / request.length))
}
