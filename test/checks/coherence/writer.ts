import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiProcess, order } from './api-process.ts'
import { HttpPipeline } from './http-pipeline.ts'
import { OUTSIDE, type Subject } from './ledger.ts'
import type { Tally } from './load.ts'
import { skewed } from './reads.ts'
import type { Course, Named } from './subjects.ts'
import type { World } from './world.ts'
import type { Write } from './writes.ts'

/** The time after which a transaction whose session was lost has ended, committed or not. */
const SETTLED_AFTER_MS = 300
const GHOST_SHARE = 0.1
const DRAFT_SHARE = 0.1
const CATEGORY_SHARE = 0.01
const AUTHOR_SHARE = 0.05
export const COURSE_WRITES = ['update', 'updateMany', 'nested', 'module', 'raw'] as const

/** Writes one subject after the other, on random instances; a subject has one writer at a time. */
export class Writer {
  readonly #world: World
  readonly #tally: Tally
  readonly #connections = new Map<ApiProcess, HttpPipeline>()

  constructor(world: World, tally: Tally) {
    this.#world = world
    this.#tally = tally
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close()
  }

  /** One write of a random subject by a random instance. */
  async write(): Promise<void> {
    const { courses, ghosts, drafts, categories, authors } = this.#world.subjects
    const instances = this.#world.instances.filter(({ up }) => up)
    const instance = instances[Math.floor(Math.random() * instances.length)]
    if (instance === undefined) return
    let dice = Math.random()
    const falls = (share: number) => {
      dice -= share
      return dice < 0
    }
    if (falls(CATEGORY_SHARE)) await this.#writeOne(instance, ['category'], skewed(categories))
    else if (falls(AUTHOR_SHARE)) await this.#writeOne(instance, ['author'], skewed(authors))
    else if (falls(GHOST_SHARE)) {
      const ghost = skewed(ghosts)
      await this.#writeOne(instance, ghost.title.last.absent ? ['create'] : ['delete'], ghost)
    } else if (falls(DRAFT_SHARE)) {
      const draft = skewed(drafts)
      await this.#writeOne(instance, draft.title.last.absent ? ['publish', 'withdraw'] : ['withdraw'], draft)
    } else await this.writeCourse(instance, skewed(courses))
  }

  async #writeOne(instance: ApiProcess, ways: readonly Write['how'][], one: Course | Named): Promise<void> {
    const subject = 'title' in one ? one.title : one.name
    if (!subject.busy) await this.writeAs(instance, ways, one.id, [subject])
  }

  async writeCourse(instance: ApiProcess, { id, title, module }: Course, dies = false): Promise<void> {
    if (title.busy) return
    const parts = module === null ? [] : [module]
    await this.writeAs(instance, COURSE_WRITES, id, [title, ...parts], dies)
  }

  /**
   * Writes in one of the given ways; resolves when the outcome is known: acknowledged, or read from the database after
   * a failure.
   */
  async writeAs(
    instance: ApiProcess,
    ways: readonly Write['how'][],
    id: number,
    [subject, ...parts]: readonly [Subject, ...Subject[]],
    dies = false
  ): Promise<void> {
    const how = ways[Math.floor(Math.random() * ways.length)]
    if (how === undefined) return
    const absent = how === 'delete' || how === 'withdraw'
    const version = subject.issue(absent)
    // A nested write changes the course and its parts; a module write changes the parts alone.
    const written = [...(how === 'module' ? [] : [subject]), ...(how === 'nested' || how === 'module' ? parts : [])]
    subject.busy = true
    for (const one of written) one.issueAs(version)
    try {
      await order(this.#connection(instance), { how, id, title: `v${version}`, dies })
      for (const one of written) one.ack(version, instance.index, absent)
      this.#tally.writes++
    } catch (error) {
      this.#tally.failedWrites.push({ at: performance.now(), what: `${how} on instance ${instance.index}: ${error}` })
      // An instance that was ordered to die has committed by then.
      await this.#settle(written, version, absent, dies ? 0 : SETTLED_AFTER_MS)
    } finally {
      subject.busy = false
    }
  }

  /** Checks in the database whether an unacknowledged write took place. */
  async #settle(written: readonly Subject[], version: number, absent: boolean, afterMs: number): Promise<void> {
    await sleep(afterMs)
    for (const subject of written) {
      const stored = await this.#world.stored(subject)
      if (stored === (absent ? 'absent' : version)) subject.ack(version, OUTSIDE, absent)
    }
  }

  #connection(instance: ApiProcess): HttpPipeline {
    const known = this.#connections.get(instance)
    if (known !== undefined) return known
    const connection = new HttpPipeline(() => instance.controlPort)
    this.#connections.set(instance, connection)
    return connection
  }
}
