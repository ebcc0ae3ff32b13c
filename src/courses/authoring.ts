import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { type Precondition, requireMatch } from '#http/precondition.ts'
import { lockAccount } from '#users/accounts.ts'
import type {
  ChapterChange,
  CourseChange,
  ModuleChange,
  NewChapter,
  NewCourse,
  NewModule,
  Outline
} from './authoring-shapes.ts'
import { type Actor, Catalogue } from './catalogue.ts'
import { type LockedCourse, lockCourse } from './course-lock.ts'
import { arrange } from './outline.ts'
import { Positions } from './positions.ts'
import { Quotas } from './quota.ts'
import { requireCategory } from './require-category.ts'
import { type AuthoringRules, mayPublish, requireVerified } from './rules.ts'
import type { Chapter, Course, Module, ModuleList } from './shapes.ts'
import { giveSlug, keepOldSlug, requireNoLinkOfOthers, slugTaken, temporarySlug } from './slug.ts'
import { copyCourse } from './whole-course.ts'

/**
 * Writes of authors and admins. Each is one transaction that locks the course first, and resolves to the new state.
 * They throw `NotFoundError`, 403 if the course belongs to somebody else, 412 if a precondition fails, and 409 if a
 * quota is exceeded.
 */
export class Authoring {
  readonly #database: Database
  readonly #quotas: Quotas
  readonly #rules: AuthoringRules

  constructor(database: Database, rules: AuthoringRules) {
    this.#database = database
    this.#quotas = new Quotas(rules)
    this.#rules = rules
  }

  createCourse(actor: Actor, input: NewCourse): Promise<Course> {
    return this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      await requireCategory(tx, input.categoryId)
      await this.#quotas.requireCourse(tx, actor)
      const { id } = await tx.course.create({
        data: { ...input, authorId: actor.id, slug: temporarySlug() },
        select: { id: true }
      })
      await giveSlug(tx, id, input.title)
      return read(tx).course(id, {})
    })
  }

  changeCourse(actor: Actor, id: number, input: CourseChange, precondition: Precondition<Course>): Promise<Course> {
    return this.#onCourse(actor, id, async (tx, { status }) => {
      await requireMatch(precondition, () => read(tx).course(id, {}))
      await requireCategory(tx, input.categoryId)
      if (input.status === 'published' && status !== 'published') this.#requirePublisher(actor)
      if (input.slug !== undefined) await keepOldSlug(tx, id, input.slug)
      await tx.course.update({ where: { id }, data: input, select: { id: true } }).catch(throwSlugTaken)
      if (input.slug !== undefined) await requireNoLinkOfOthers(tx, id, input.slug)
      return read(tx).course(id, {})
    })
  }

  deleteCourse(actor: Actor, id: number, precondition: Precondition<Course>): Promise<void> {
    return this.#onCourse(actor, id, async (tx) => {
      await requireMatch(precondition, () => read(tx).course(id, {}))
      await tx.course.delete({ where: { id }, select: { id: true } })
    })
  }

  /** Reorders all modules and chapters of a course. Also throws like `arrange`. */
  arrangeCourse(actor: Actor, id: number, outline: Outline, precondition: Precondition<Course>): Promise<Course> {
    return this.#onCourse(actor, id, async (tx) => {
      await requireMatch(precondition, () => read(tx).course(id, {}))
      await arrange(tx, id, outline)
      await tx.course.update({ where: { id }, data: { updatedAt: new Date() }, select: { id: true } })
      return read(tx).course(id, {})
    })
  }

  /**
   * Copies a course to a draft of the actor, who must be allowed to change the original: nobody may publish the text of
   * others.
   */
  duplicateCourse(actor: Actor, id: number): Promise<Course> {
    return this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      await lockCourse(tx, actor, id)
      await this.#quotas.requireCourse(tx, actor)
      const copy = await copyCourse(tx, id, actor.id)
      await this.#quotas.requireText(tx, actor)
      return read(tx).course(copy, {})
    })
  }

  addModule(actor: Actor, courseId: number, { position, ...input }: NewModule): Promise<Module> {
    return this.#onPart(actor, courseId, async (tx) => {
      const free = await Positions.modules.open(tx, courseId, position)
      const { id } = await tx.module.create({ data: { ...input, courseId, position: free }, select: { id: true } })
      return module(tx, courseId, id)
    })
  }

  changeModule(
    actor: Actor,
    courseId: number,
    id: number,
    { position, ...input }: ModuleChange,
    versions: PartVersions<Module>
  ): Promise<Module> {
    return this.#onPart(actor, courseId, async (tx) => {
      const current = await module(tx, courseId, id)
      await requirePart(tx, courseId, current, versions)
      if (position !== undefined) await Positions.modules.move(tx, courseId, current.position, position)
      await tx.module.update({ where: { id }, data: input, select: { id: true } })
      return module(tx, courseId, id)
    })
  }

  deleteModule(actor: Actor, courseId: number, id: number, versions: PartVersions<Module>): Promise<void> {
    return this.#onPart(actor, courseId, async (tx) => {
      const current = await module(tx, courseId, id)
      await requirePart(tx, courseId, current, versions)
      await tx.module.delete({ where: { id }, select: { id: true } })
      await Positions.modules.close(tx, courseId, current.position)
    })
  }

  addChapter(actor: Actor, courseId: number, moduleId: number, { position, ...input }: NewChapter): Promise<Chapter> {
    return this.#onPart(actor, courseId, async (tx) => {
      await module(tx, courseId, moduleId)
      const free = await Positions.chapters.open(tx, moduleId, position)
      const data = { ...input, courseId, moduleId, position: free }
      const { id } = await tx.chapter.create({ data, select: { id: true } })
      await this.#quotas.requireText(tx, actor)
      return read(tx).chapter(courseId, id, {})
    })
  }

  changeChapter(
    actor: Actor,
    courseId: number,
    id: number,
    { position, ...input }: ChapterChange,
    versions: PartVersions<Chapter>
  ): Promise<Chapter> {
    return this.#onPart(actor, courseId, async (tx) => {
      const current = await read(tx).chapter(courseId, id, {})
      await requirePart(tx, courseId, current, versions)
      if (position !== undefined) await Positions.chapters.move(tx, current.moduleId, current.position, position)
      await tx.chapter.update({ where: { id }, data: input, select: { id: true } })
      // An author who is over the quota may still shorten texts.
      if (addsText(input, current)) await this.#quotas.requireText(tx, actor)
      return read(tx).chapter(courseId, id, {})
    })
  }

  deleteChapter(actor: Actor, courseId: number, id: number, versions: PartVersions<Chapter>): Promise<void> {
    return this.#onPart(actor, courseId, async (tx) => {
      const current = await read(tx).chapter(courseId, id, {})
      await requirePart(tx, courseId, current, versions)
      await tx.chapter.delete({ where: { id }, select: { id: true } })
      await Positions.chapters.close(tx, current.moduleId, current.position)
    })
  }

  /** Runs a change of a module or chapter, which also updates the course. */
  #onPart<T>(actor: Actor, courseId: number, task: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#onCourse(actor, courseId, async (tx) => {
      const result = await task(tx)
      await tx.course.update({ where: { id: courseId }, data: { updatedAt: new Date() }, select: { id: true } })
      return result
    })
  }

  #onCourse<T>(actor: Actor, id: number, task: (tx: Transaction, course: LockedCourse) => Promise<T>): Promise<T> {
    return this.#database.write(async (tx) => task(tx, await lockCourse(tx, actor, id)))
  }

  #requirePublisher(actor: Actor): void {
    if (this.#rules.requireVerifiedEmail.includes('publish')) requireVerified(actor)
    if (mayPublish(this.#rules, actor)) return
    throw new ApiError(403, 'AUTHORS_ONLY', 'only authors may publish: ask an admin for the role')
  }
}

function throwSlugTaken(error: unknown): never {
  const isTaken = error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002'
  throw isTaken ? slugTaken() : error
}

function addsText({ title, content }: ChapterChange, current: Chapter): boolean {
  const more = (next: string | undefined, now: string) =>
    next === undefined ? 0 : Buffer.byteLength(next) - Buffer.byteLength(now)
  return more(title, current.title) + more(content, current.content) > 0
}

function read(tx: Transaction): Catalogue {
  return new Catalogue(tx)
}

async function module(tx: Transaction, courseId: number, id: number): Promise<Module> {
  const { items } = await read(tx).modules(courseId, {})
  const found = items.find((item) => item.id === id)
  if (found === undefined) throw new NotFoundError('module')
  return found
}

/**
 * The preconditions of `If-Match` for a module or chapter, which clients may also have read as a part of the course or
 * the module list.
 */
export interface PartVersions<T> {
  readonly own: Precondition<T>
  readonly course: Precondition<Course>
  readonly modules: Precondition<ModuleList>
}

function requirePart<T>(
  tx: Transaction,
  courseId: number,
  current: T,
  { own, course, modules }: PartVersions<T>
): Promise<void> {
  return requireMatch(
    own,
    async () => current,
    async () => course.etagOf(await read(tx).course(courseId, {})),
    async () => modules.etagOf(await read(tx).modules(courseId, {}))
  )
}
