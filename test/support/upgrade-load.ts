import { setTimeout as sleep } from 'node:timers/promises'
import { type Actor, draftOf, register } from './actors.ts'
import { PATH, wanted } from './generations.ts'
import { makeToken, withToken } from './tokens.ts'

const AUTHORS = 3
const READERS = 4
const PAUSE_MS = 10
const GENERATION_PAUSE_MS = 500

interface Course {
  readonly author: Actor
  readonly path: string
  /** The highest version whose write was acknowledged. */
  acknowledged: number
}

/**
 * Visitors, authors and a student who generates courses, all at `url`; counts their requests and unexpected answers.
 */
export class UpgradeLoad {
  reads = 0
  writes = 0
  generations = 0
  /** A description of every unexpected answer. */
  readonly wrong: string[] = []
  readonly #url: string
  readonly #byToken: boolean
  readonly #courses: Course[] = []
  #running = true
  #work: Promise<void>[] = []

  /** `byToken`: with access tokens, which survive an update that ends sessions. */
  constructor(url: string, byToken: boolean) {
    this.#url = url
    this.#byToken = byToken
  }

  async start(): Promise<void> {
    for (let i = 0; i < AUTHORS; i++) {
      const author = await this.#newcomer(`author-${i}`)
      const course = { author, path: `/api/v1/courses/${(await draftOf(author, 'Version 0')).id}`, acknowledged: 0 }
      await this.#ask(() => author.request('PATCH', course.path, { status: 'published' }))
      this.#courses.push(course)
    }
    this.#work = [
      ...this.#courses.map((course) => this.#write(course)),
      ...Array.from({ length: READERS }, (_, reader) => this.#read(reader)),
      this.#generate(await this.#newcomer('student'))
    ]
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#work)
  }

  /** Each acknowledged write is read back, by its author and by a visitor. */
  async #write(course: Course): Promise<void> {
    const { author, path } = course
    while (this.#running) {
      const next = course.acknowledged + 1
      const written = await this.#ask(() => author.request('PATCH', path, { title: `Version ${next}` }))
      if (written !== null) course.acknowledged = next
      this.writes++
      await this.#expect(path, next, author)
      await this.#expect(path, next)
      await sleep(PAUSE_MS)
    }
  }

  async #read(reader: number): Promise<void> {
    for (let i = reader; this.#running; i++) {
      const { path, acknowledged } = this.#courses[i % AUTHORS] ?? { path: '', acknowledged: 0 }
      await this.#expect(path, acknowledged)
      await this.#ask(() => fetch(`${this.#url}/api/v1/courses?limit=5&page=${1 + (i % 4)}`))
      await sleep(PAUSE_MS)
    }
  }

  async #generate(student: Actor): Promise<void> {
    while (this.#running) {
      const accepted = await this.#ask(() => student.request('POST', PATH, { ...wanted, chaptersPerModule: 1 }), 202)
      const id = /"id":"([^"]+)"/.exec(accepted ?? '')?.[1]
      let status: string | undefined
      while (id !== undefined && !/^(completed|failed|cancelled)$/.test(status ?? '')) {
        await sleep(PAUSE_MS)
        const text = await this.#ask(() => student.get(`${PATH}/${id}`))
        status = /"status":"(\w+)"/.exec(text ?? '')?.[1]
      }
      if (status !== 'completed') this.wrong.push(`generation ${id}: ${status}`)
      this.generations++
      await sleep(GENERATION_PAUSE_MS)
    }
  }

  async #newcomer(name: string): Promise<Actor> {
    const actor = await register(this.#url, name)
    if (!this.#byToken) return actor
    const { token } = await makeToken(actor, { name, scopes: ['read', 'write', 'generate'] })
    return withToken(this.#url, token)
  }

  async #expect(path: string, least: number, by?: Actor): Promise<void> {
    const text = await this.#ask(() => (by === undefined ? fetch(this.#url + path) : by.get(path)))
    const version = Number(/"title":"Version (\d+)"/.exec(text ?? '')?.[1])
    if (text !== null && !(version >= least)) this.wrong.push(`${path}: version ${version} after ${least}`)
  }

  /** The body of an answer with this status; otherwise counts it as unexpected and returns null. */
  async #ask(request: () => Promise<Response>, status = 200): Promise<string | null> {
    this.reads++
    try {
      const answer = await request()
      const text = await answer.text()
      if (answer.status === status) return text
      this.wrong.push(`${answer.url}: ${answer.status} ${text.slice(0, 200)}`)
    } catch (error) {
      this.wrong.push(String(error))
    }
    return null
  }
}
