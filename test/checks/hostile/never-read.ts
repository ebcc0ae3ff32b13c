import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const CHUNK_BYTES = 60_000
/** How soon a client that was hung up on is back. */
const BACK_AFTER_MS = 1000
const PROBE_MS = 100
/** Attackers have an address of their own on this machine, so that no limit of theirs is one of a visitor beside them. */
const ATTACKER = '127.0.0.9'

/**
 * So many connections at a time, each of which sends 60 KB of requests for `path` in one piece, and never reads. Whoever is hung up on
 * comes back. Resolves to how often that was.
 */
export async function neverRead(url: string, path: string, connections: number, ms: number): Promise<number> {
  const over = AbortSignal.timeout(ms)
  let hungUp = 0
  const client = async () => {
    while (!over.aborted) {
      const socket = connectTo(url)
      socket.write(pipelined(path))
      // Only a write shows to a client that does not read that it was hung up on: an empty line, which is no request.
      const probe = setInterval(() => socket.write('\r\n'), PROBE_MS)
      await once(socket, 'close', { signal: over }).catch(() => {})
      clearInterval(probe)
      socket.destroy()
      if (over.aborted) return
      hungUp++
      await sleep(BACK_AFTER_MS)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  return hungUp
}

/** A connection that reads nothing until it is resumed. */
export function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url)
  // That it is reset is what it is for.
  return connect({ port: Number(port), host: hostname, localAddress: ATTACKER })
    .on('error', () => {})
    .pause()
}

function pipelined(path: string): string {
  const request = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  return request.repeat(Math.floor(CHUNK_BYTES / request.length))
}
