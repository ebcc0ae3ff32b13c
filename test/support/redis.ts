import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './port.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** A real `redis-server` of the test's own, on a free port, gone with the test. */
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

  /** Starts one; `options` are more words for its command line, as `--appendonly yes`. */
  static async start(...options: string[]): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'aikademiya-redis-'))
    const server = new RedisServer(await freePort(), folder, options)
    await server.resume()
    return server
  }

  /** Starts it again after `kill`, on the same port and folder. */
  async resume(): Promise<void> {
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--dir',
      this.#folder,
      '--save',
      '',
      ...this.#options
    ]
    this.#process = await startServer('redis-server', args, /Ready to accept connections/)
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#process?.kill('SIGKILL')
  }

  /** SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.signal(signal)
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
