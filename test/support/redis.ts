import { mkdtemp, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './port.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** How a Redis is filled: the bytes it may take until it is full, and the number of keys per batch. */
const FILL_BYTES = 256 * 1024
const FILL_KEYS = 20
const FILL = 'x'.repeat(1000)

/** A real `redis-server` for the test, on a free port. */
export class RedisServer {
  readonly port: number
  readonly url: string
  readonly #folder: string
  readonly #options: readonly string[]
  #process: ServerProcess | null = null

  private constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port
    this.url = `redis://127.0.0.1:${port}`
    this.#folder = folder
    this.#options = options
  }

  /** Starts one; `options` are added to its command line, such as `--appendonly yes`. */
  static async start(...options: string[]): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'aikademiya-redis-'))
    const server = new RedisServer(await freePort(), folder, options)
    await server.resume()
    return server
  }

  /** Restarts it after `kill`, with the same port and folder; `more` options override earlier ones. */
  async resume(...more: string[]): Promise<void> {
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--dir',
      this.#folder,
      '--save',
      '',
      ...this.#options,
      ...more
    ]
    this.#process = await startServer('redis-server', args, /Ready to accept connections/)
  }

  /** Restarts it without its data. */
  async resumeEmpty(): Promise<void> {
    await rm(join(this.#folder, 'appendonlydir'), { recursive: true, force: true })
    await this.resume()
  }

  /** The length of its AOF in bytes, if it has had one since its start and has not rewritten it. */
  async appendedBytes(): Promise<number> {
    return (await stat(this.#appended)).size
  }

  /** Restarts it with its AOF truncated to this many bytes, as after a power failure. */
  async resumeAsOf(appendedBytes: number): Promise<void> {
    await truncate(this.#appended, appendedBytes)
    await this.resume()
  }

  /** Fills it with other keys for the given time, so that it evicts its own; resolves to the number of evicted keys. */
  async fill(forMs: number): Promise<number> {
    const redis = new Redis(this.url)
    const before = await info(redis, 'stats', 'evicted_keys')
    const bytes = await info(redis, 'memory', 'used_memory')
    // With one sample, a random key is evicted.
    await redis.config(
      'SET',
      'maxmemory',
      bytes + FILL_BYTES,
      'maxmemory-policy',
      'allkeys-lru',
      'maxmemory-samples',
      1
    )
    const end = performance.now() + forMs
    for (let n = 0; performance.now() < end; n += FILL_KEYS) {
      const keys = Array.from({ length: FILL_KEYS }, (_, i) => `fill:${n + i}`)
      await Promise.all(keys.map((key) => redis.set(key, FILL, 'PX', forMs)))
      await sleep(1)
    }
    await redis.config('SET', 'maxmemory', 0)
    const evicted = (await info(redis, 'stats', 'evicted_keys')) - before
    redis.disconnect()
    return evicted
  }

  /** Kills it, as in a crash. */
  async kill(): Promise<void> {
    await this.#process?.kill('SIGKILL')
  }

  /** SIGSTOP freezes it, SIGCONT resumes it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.signal(signal)
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #appended(): string {
    return join(this.#folder, 'appendonlydir', 'appendonly.aof.1.incr.aof')
  }
}

async function info(redis: Redis, section: string, field: string): Promise<number> {
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info(section))?.[1])
}
