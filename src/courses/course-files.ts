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

  /** A whole course, to be written to a file. Throws like `readWholeCourse`; `signal` cancels it. */
  read(id: number, visible: Visibility = published, signal?: AbortSignal): Promise<FileCourse> {
    return this.#database.read('lists', (tx) => readWholeCourse(tx, id, visible), signal)
  }

  /**
   * Imports a file as a draft of the actor. Throws 400 if the file is invalid, and 409 if a quota of the account is
   * exceeded.
   */
  import(actor: Actor, text: string): Promise<Course> {
    const { category, modules, ...course } = readCourseFile(text)
    return this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      const slug = category?.slug
      const found = slug === undefined ? null : await tx.category.findUnique({ where: { slug }, select: { id: true } })
      if (category !== null && found === null) {
        throw badLine(category.line, 'category is not the slug of a category: correct it, or leave it out')
      }
      await requireCategory(tx, found?.id)
      await this.#quotas.requireCourse(tx, actor)
      const id = await createWholeCourse(tx, { ...course, categoryId: found?.id ?? null, authorId: actor.id }, modules)
      await this.#quotas.requireText(tx, actor)
      return new Catalogue(tx).course(id, {})
    })
  }
}
