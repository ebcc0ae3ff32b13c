import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiProcess } from './api-process.ts'
import { HttpPipeline } from './http-pipeline.ts'
import type { Stale } from './ledger.ts'
import type { Readable } from './reads.ts'
import type { World } from './world.ts'
import { Writer } from './writer.ts'

export interface LoadOptions {
  /** Connections to every instance. */
  readonly connections: number
  /** Concurrent requests per connection. */
  readonly depth: number
  /** Longest pause between an answer and the next request, in ms; 0 is no pause. */
  readonly thinkMs: number
  readonly writers: number
  readonly writePauseMs: number
}

export interface Failure {
  readonly at: number
  readonly what: string
}

/** Results of reads and writes so far. */
export class Tally {
  sent = 0
  answered = 0
  writes = 0
  /**
   * Reads answered with BUSY or OVERLOADED: on a slow machine, more requests may be in progress than the service
   * accepts.
   */
  refused = 0
  readonly outcomes = new Map<string, number>()
  readonly stale: Stale[] = []
  readonly failedReads: Failure[] = []
  readonly failedWrites: Failure[] = []
}

const RETRY_MS = 50

/** Concurrent readers and writers on all instances. */
export class Load {
  readonly tally = new Tally()
  readonly #world: World
  readonly #options: LoadOptions
  readonly #connections: HttpPipeline[] = []
  readonly #running: Promise<void>[] = []
  #going = true

  constructor(world: World, options: LoadOptions) {
    this.#world = world
    this.#options = options
  }

  start(): void {
    const { connections, depth, writers, writePauseMs } = this.#options
    for (const instance of this.#world.instances) {
      for (let i = 0; i < connections; i++) {
        const connection = new HttpPipeline(() => instance.port)
        this.#connections.push(connection)
        for (let j = 0; j < depth; j++) this.#running.push(this.#keepReading(instance, connection))
      }
    }
    for (let i = 0; i < writers; i++) {
      const writer = new Writer(this.#world, this.tally)
      this.#running.push(this.#keepWriting(writer, writePauseMs))
    }
  }

  /** Resolves when every request sent has been answered. */
  async stop(): Promise<void> {
    this.#going = false
    await Promise.all(this.#running)
    for (const connection of this.#connections) connection.close()
  }

  async #keepReading(instance: ApiProcess, connection: HttpPipeline): Promise<void> {
    const { thinkMs } = this.#options
    while (this.#going) {
      if (!instance.up || !(await this.read(instance, connection, this.#world.reads.choose()))) await sleep(RETRY_MS)
      if (thinkMs > 0) await sleep(Math.random() * thinkMs)
    }
  }

  /** Sends one read and checks its answer; returns false if it failed. */
  async read({ index }: ApiProcess, connection: HttpPipeline, { path, observe }: Readable): Promise<boolean> {
    const { tally } = this
    const read = { path, instance: index, sentAt: performance.now() }
    tally.sent++
    try {
      const answer = await connection.get(path)
      if (answer.status === 503 && /"code":"(BUSY|OVERLOADED)"/.test(answer.body)) {
        tally.refused++
        return false
      }
      tally.answered++
      tally.outcomes.set(answer.cache, (tally.outcomes.get(answer.cache) ?? 0) + 1)
      for (const { subject, seen } of observe(answer)) {
        const stale = subject.judge(seen, read, answer.cache, this.#world.leaseMs)
        if (stale !== null) tally.stale.push(stale)
      }
      return true
    } catch (error) {
      tally.failedReads.push({ at: read.sentAt, what: `${path} on instance ${index}: ${error}` })
      return false
    }
  }

  async #keepWriting(writer: Writer, pauseMs: number): Promise<void> {
    while (this.#going) {
      await writer.write()
      await sleep(Math.random() * pauseMs)
    }
    writer.close()
  }
}
