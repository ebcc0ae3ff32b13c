import { fileURLToPath } from 'node:url'
import { type ServerProcess, startServer } from '../../support/server-process.ts'
import { HttpPipeline } from './http-pipeline.ts'
import type { Write } from './writes.ts'

const SCRIPT = fileURLToPath(new URL('instance.ts', import.meta.url))
const LISTENS = /instance listens: (\d+) (\d+)/

/** One API process under the control of the check. */
export class ApiProcess {
  readonly index: number
  readonly #env: NodeJS.ProcessEnv
  readonly #state = new HttpPipeline(() => this.controlPort)
  #process: ServerProcess | null = null
  port = 0
  controlPort = 0
  /** False from just before it ends until it listens again; it gets no requests meanwhile. */
  up = false

  constructor(index: number, env: NodeJS.ProcessEnv) {
    this.index = index
    this.#env = env
  }

  /** Starts the process, also after it has ended; every start has new ports. */
  async start(): Promise<void> {
    this.#process = await startServer(process.execPath, [SCRIPT], LISTENS, { env: this.#env })
    const [, port, controlPort] = LISTENS.exec(this.#process.output()) ?? []
    this.port = Number(port)
    this.controlPort = Number(controlPort)
    this.up = true
  }

  async kill(): Promise<void> {
    this.up = false
    this.#state.close()
    await this.#process?.kill('SIGKILL')
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.signal(signal)
  }

  /** True when it answers and trusts its cache store. */
  async healthy(): Promise<boolean> {
    if (!this.up) return false
    const answer = await this.#state.get('/state').catch(() => null)
    return answer !== null && answer.body === '{"trusted":true}'
  }

  /** Its output: log lines at level error and above. */
  output(): string {
    return this.#process?.output() ?? ''
  }
}

/** Resolves when the instance has acknowledged the write; rejects when the write was refused or its outcome is unknown. */
export async function order(connection: HttpPipeline, write: Write): Promise<void> {
  const { status, body } = await connection.post('/write', write)
  if (status !== 200) throw new Error(body)
}
