import type { Database } from '#database/database.ts'
import { lockAccount } from '#users/accounts.ts'
import { type Actor, Catalogue, published, type Visibility } from './catalogue.ts'
import { type FileCourse, readWholeCourse } from './course-file.ts'
import { badLine } from './front-matter.ts'
import { Quotas } from './quota.ts'
import { readCourseFile } from './read-course-file.ts'
import { requireCategory } from './require-category.ts'
import type { AuthoringRules } from './rules.ts'
import type { Course } from './shapes.ts'
import { createWholeCourse } from './whole-course.ts'

/** Exports and imports of whole courses. */
export class CourseFiles {
  readonly #database: Database
  readonly #quotas: Quotas

  constructor(database: Database, rules: AuthoringRules) {
    this.#database = database
    this.#quotas = new Quotas(rules)
  }

  /** A whole course, for its file. Throws what `readWholeCourse` throws; `signal` cancels it. */
  read(id: number, visible: Visibility = published, signal?: AbortSignal): Promise<FileCourse> {
    return this.#database.read('lists', (tx) => readWholeCourse(tx, id, visible), signal)
  }

  /** Makes a draft of the actor of a file. Throws 400 where the file is not as it must be, 409 for more than an account may keep. */
  import(actor: Actor, text: string): Promise<Course> {
    const { category, modules, ...course } = readCourseFile(text)
    return this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      const slug = category?.slug
      const found = slug === undefined ? null : await tx.category.findUnique({ where: { slug }, select: { id: true } })
      if (category !== null && found === null) {
        throw badLine(category.line, 'category names no category: leave it out, or write the slug of one')
      }
      await requireCategory(tx, found?.id)
      await this.#quotas.requireCourse(tx, actor)
      const id = await createWholeCourse(tx, { ...course, categoryId: found?.id ?? null, authorId: actor.id }, modules)
      await this.#quotas.requireText(tx, actor)
      return new Catalogue(tx).course(id, {})
    })
  }
}
