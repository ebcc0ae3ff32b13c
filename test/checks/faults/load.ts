import { setTimeout as sleep } from 'node:timers/promises'
import { Actor } from '../../support/actors.ts'

const COURSES = 10
const PAUSE_MS = 5
const WRITE_PAUSE_MS = 20
/** The timeout of the clients: a later answer counts as a failure. */
const PATIENCE_MS = 5000

/** Observations of the clients since `reset`. */
export interface Tally {
  publicReads: number
  publicErrors: number
  signedInErrors: number
  writes: number
  refusedWrites: number
  slowestMs: number
  /** Reads that were older than a write acknowledged before the read was sent. */
  stale: number
  lastStaleAt: number
  errors: Map<string, number>
}

const none = (): Tally => ({
  publicReads: 0,
  publicErrors: 0,
  signedInErrors: 0,
  writes: 0,
  refusedWrites: 0,
  slowestMs: 0,
  stale: 0,
  lastStaleAt: 0,
  errors: new Map()
})

/** Public clients, signed-in clients and an author at all processes, until stopped. */
export class Load {
  tally = none()
  /** The highest acknowledged version of each course. */
  readonly acknowledged = new Map<number, number>()
  /** How often the student had to sign in again. */
  signIns = 0
  readonly #urls: () => readonly string[]
  readonly #author: () => Promise<string>
  readonly #student: () => Promise<string>
  #version = 0
  #running = true
  #work: Promise<unknown>[] = []

  constructor(urls: () => readonly string[], author: () => Promise<string>, student: () => Promise<string>) {
    this.#urls = urls
    this.#author = author
    this.#student = student
  }

  reset(): Tally {
    const before = this.tally
    this.tally = none()
    return before
  }

  start(): void {
    const each = this.#urls().map((_, index) => index)
    this.#work = [...each.map((i) => this.#read(i)), ...each.map((i) => this.#readOwn(i)), this.#write()]
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#work)
  }

  async #read(instance: number): Promise<void> {
    while (this.#running) {
      const id = 1 + Math.floor(Math.random() * COURSES)
      const expected = this.acknowledged.get(id) ?? 0
      const answer = await this.#ask(instance, '', 'GET', `/api/v1/courses/${id}`)
      this.tally.publicReads++
      if (answer.status !== 200) {
        this.tally.publicErrors++
        this.#note(`public ${answer.status}`)
      } else if (Number(/"title":"v(\d+)/.exec(answer.text)?.[1] ?? 0) < expected) {
        this.tally.stale++
        this.tally.lastStaleAt = performance.now()
      }
      await sleep(PAUSE_MS)
    }
  }

  async #readOwn(instance: number): Promise<void> {
    let cookie = await this.#insist(this.#student)
    while (this.#running) {
      const { status } = await this.#ask(instance, cookie, 'GET', '/api/v1/users/me')
      if (status !== 200) {
        this.tally.signedInErrors++
        this.#note(`signed in ${status}`)
      }
      if (status === 401) {
        cookie = await this.#student().catch(() => cookie)
        this.signIns++
      }
      await sleep(2 * PAUSE_MS)
    }
  }

  async #write(): Promise<void> {
    let cookie = await this.#insist(this.#author)
    while (this.#running) {
      const version = ++this.#version
      const id = 1 + (version % COURSES)
      const instance = version % this.#urls().length
      const { status } = await this.#ask(instance, cookie, 'PATCH', `/api/v1/courses/${id}`, { title: `v${version}` })
      this.tally.writes++
      if (status === 200) this.acknowledged.set(id, version)
      else {
        this.tally.refusedWrites++
        this.#note(`write ${status}`)
      }
      if (status === 401) cookie = await this.#author().catch(() => cookie)
      await sleep(WRITE_PAUSE_MS)
    }
  }

  /** Retries at first: right after the start the machine may be too busy for a sign-in. */
  async #insist(signIn: () => Promise<string>): Promise<string> {
    for (;;) {
      const cookie = await signIn().catch(() => null)
      if (cookie !== null || !this.#running) return cookie ?? ''
      await sleep(WRITE_PAUSE_MS)
    }
  }

  /** Status 0 means no answer. If a process does not listen, tries the next, like a load balancer. */
  async #ask(instance: number, cookie: string, method: string, path: string, body?: unknown) {
    const start = performance.now()
    const urls = this.#urls()
    for (let turn = 0; turn < urls.length; turn++) {
      const url = urls[(instance + turn) % urls.length] ?? ''
      try {
        const request = new Actor(url, cookie).request(method, path, body)
        const late = sleep(PATIENCE_MS, null, { ref: false }).then(() => Promise.reject(new Error('late')))
        const answer = await Promise.race([request, late])
        const text = await answer.text()
        this.tally.slowestMs = Math.max(this.tally.slowestMs, performance.now() - start)
        return { status: answer.status, text }
      } catch (error) {
        if (!(error instanceof Error && /ECONNREFUSED/.test(String(Object(error.cause).code)))) break
      }
    }
    this.tally.slowestMs = Math.max(this.tally.slowestMs, performance.now() - start)
    return { status: 0, text: '' }
  }

  #note(what: string): void {
    this.tally.errors.set(what, (this.tally.errors.get(what) ?? 0) + 1)
  }
}
