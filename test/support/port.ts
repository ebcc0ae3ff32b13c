import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const FIRST = 10_000
/** The first ephemeral port, which the system uses for outgoing connections. */
const LAST = Math.min(32_768, firstOfTheSystem()) - 1

const given = new Set<number>()

/**
 * A TCP port of 127.0.0.1 on which nothing listens, below the ephemeral ports: one of those could be taken by a
 * connection before a server listens on it, or while that server restarts. Each port is returned once per process.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

function firstOfTheSystem(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/)[0])
  } catch {
    return 49_152
  }
}
