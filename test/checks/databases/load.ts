import { setTimeout as sleep } from 'node:timers/promises'
import { type Actor, ADMIN, draftOf, signIn } from '../../support/actors.ts'

const WRITERS = 4
const PROFILE_EVERY = 10
/** The pause after an answer other than 200, in ms. */
const PAUSE_MS = 50

export interface Tally {
  writes: number
  stale: number
  /** Number of answers with 500. */
  failed: number
  /** Number of answers with 503, reads and writes. */
  refused: number
  readonly examples: string[]
  lastTroubleAt: number
}

/** Writes courses and profiles at two processes in turn, and reads each at both once the write is acknowledged. */
export class Load {
  readonly tally: Tally = { writes: 0, stale: 0, failed: 0, refused: 0, examples: [], lastTroubleAt: 0 }
  readonly #urls: readonly string[]
  readonly #actors: Actor[] = []
  readonly #courses: number[] = []
  #version = 0

  constructor(urls: readonly string[]) {
    this.#urls = urls
  }

  /** Signs in at each process, and creates a course for each writer. */
  async prepare(): Promise<void> {
    for (const url of this.#urls) this.#actors.push(await signIn(url, ADMIN.email, ADMIN.password))
    for (let i = 0; i < WRITERS; i++) {
      const { id } = await draftOf(this.#actor(0))
      await this.#actor(0).request('PATCH', `/api/v1/courses/${id}`, { status: 'published' })
      this.#courses.push(id)
    }
  }

  /** Runs until that many writes are acknowledged. */
  async run(writes: number): Promise<void> {
    await Promise.all(this.#courses.map((id) => this.#write(id, writes)))
  }

  #actor(index: number): Actor {
    const actor = this.#actors[index % this.#actors.length]
    if (actor === undefined) throw new Error('no process')
    return actor
  }

  async #write(id: number, until: number): Promise<void> {
    while (this.tally.writes < until) {
      const version = ++this.#version
      const writer = this.#actor(version)
      const isProfile = version % PROFILE_EVERY === 0
      // All writers share the account, so only its answer shows what a write stored.
      if (isProfile) await this.#ask(writer, 'PATCH', '/api/v1/users/me', { bio: `v${version}` })
      else await this.#writeCourse(id, version, writer)
    }
  }

  async #writeCourse(id: number, version: number, writer: Actor): Promise<void> {
    const path = `/api/v1/courses/${id}`
    if ((await this.#ask(writer, 'PATCH', path, { title: `v${version}` })) === null) return
    this.tally.writes++
    await Promise.all(
      this.#actors.map(async (reader, index) => {
        const text = await this.#ask(reader, 'GET', path)
        if (text === null || text.includes(`"title":"v${version}"`)) return
        this.tally.stale++
        this.tally.examples.push(`process ${index}: ${text.slice(0, 80)} after v${version}`)
      })
    )
  }

  /** The body of a 200, otherwise null. */
  async #ask(actor: Actor, method: string, path: string, body?: unknown): Promise<string | null> {
    const answer = await actor.request(method, path, body)
    const text = await answer.text()
    if (answer.status === 200) return text
    if (answer.status >= 500 && answer.status !== 503) this.tally.failed++
    else if (answer.status === 503 && answer.headers.has('retry-after')) this.tally.refused++
    else throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    this.tally.examples.push(`${method} ${path}: ${answer.status} ${text.slice(0, 160)}`)
    this.tally.lastTroubleAt = performance.now()
    await sleep(PAUSE_MS)
    return null
  }
}
