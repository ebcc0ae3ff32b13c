import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { until } from './eventually.ts'
import { freePort } from './port.ts'
import { RedisServer } from './redis.ts'
import { startServer } from './server-process.ts'
import type { Owner } from './topologies.ts'

const NAME = 'main'
const SENTINELS = 3
const START_MS = 30_000

export interface SentinelSettings {
  readonly replicas: number
  /** `down-after-milliseconds` and `failover-timeout` of the sentinels. */
  readonly downAfterMs: number
  readonly failoverTimeoutMs: number
}

/** A primary, its replicas and three sentinels. */
export class Sentinels {
  /** The first one is the primary at the start. */
  readonly servers: readonly RedisServer[]
  readonly url: string
  readonly #clients: readonly Redis[]

  private constructor(servers: readonly RedisServer[], url: string, clients: readonly Redis[]) {
    this.servers = servers
    this.url = url
    this.#clients = clients
  }

  /** Resolves when every replica is in sync and every sentinel knows all the others and the replicas. */
  static async start(owner: Owner, settings: SentinelSettings): Promise<Sentinels> {
    const primary = await RedisServer.start()
    owner.teardown(() => primary.stop())
    const replicaOf = ['--replicaof', `127.0.0.1 ${primary.port}`]
    const replicas = await Promise.all(Array.from({ length: settings.replicas }, () => RedisServer.start(...replicaOf)))
    owner.teardown(() => Promise.all(replicas.map((replica) => replica.stop())))
    const folder = await mkdtemp(join(tmpdir(), 'aikademiya-sentinel-'))
    owner.teardown(() => rm(folder, { recursive: true, force: true }))
    const ports = await Promise.all(Array.from({ length: SENTINELS }, () => freePort()))
    for (const port of ports) {
      const file = join(folder, `${port}.conf`)
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} 2`,
        `sentinel down-after-milliseconds ${NAME} ${settings.downAfterMs}`,
        `sentinel failover-timeout ${NAME} ${settings.failoverTimeoutMs}`
      ]
      await writeFile(file, `${lines.join('\n')}\n`)
      const sentinel = await startServer('redis-server', [file, '--sentinel'], /monitor master/)
      owner.teardown(() => sentinel.kill('SIGKILL'))
    }
    const clients = ports.map((port) => new Redis(port, '127.0.0.1'))
    for (const client of clients) {
      client.on('error', () => {})
      owner.teardown(() => client.disconnect())
    }
    const url = `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${NAME}/0`
    const sentinels = new Sentinels([primary, ...replicas], url, clients)
    await sentinels.settled(START_MS)
    return sentinels
  }

  /** The ports of the masters that the sentinels name; more than one while they do not agree. */
  async masterPorts(): Promise<number[]> {
    const answers = await this.#ask('get-master-addr-by-name')
    return [...new Set(answers.map((answer) => Number(answer.split('\n')[1])))]
  }

  /** The server that all sentinels call the master. Throws while they do not agree. */
  async master(): Promise<RedisServer> {
    const ports = await this.masterPorts()
    const master = this.servers.find(({ port }) => port === ports[0])
    if (master === undefined || ports.length > 1)
      throw new Error(`the sentinels do not agree on one master: ${ports.join(', ')}`)
    return master
  }

  /** Restarts a killed server as a replica of the current master. */
  async rejoin(server: RedisServer): Promise<void> {
    await server.resume('--replicaof', `127.0.0.1 ${(await this.master()).port}`)
  }

  /** Waits until every sentinel knows one master, the other sentinels, and all replicas as up and in sync. */
  async settled(withinMs: number): Promise<void> {
    const replicas = this.servers.length - 1
    await until(async () => {
      if ((await this.masterPorts()).length !== 1) return false
      const masters = await this.#ask('master')
      const lists = await this.#ask('replicas')
      return (
        masters.every((text) => /^flags\nmaster$/m.test(text) && has(text, 'num-other-sentinels', SENTINELS - 1)) &&
        masters.every((text) => has(text, 'num-slaves', replicas)) &&
        lists.every((text) => count(text, /^flags\nslave$/gm) === replicas) &&
        lists.every((text) => count(text, /^master-link-status\nok$/gm) === replicas)
      )
    }, withinMs)
  }

  /** The answer of each sentinel about the master, with one word per line. */
  #ask(question: string): Promise<string[]> {
    return Promise.all(
      this.#clients.map(async (client) => {
        const answer: unknown = await client.call('SENTINEL', question, NAME)
        return [answer].flat(3).join('\n')
      })
    )
  }
}

function has(text: string, field: string, value: number): boolean {
  return new RegExp(`^${field}\n${value}$`, 'm').test(text)
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
