import { specs as courses, tags as courseTags } from '#courses/cache-specs.ts'
import { specs as generations } from '#generation/cache-specs.ts'
import { specs as users } from '#users/cache-specs.ts'

/** An entity's own keys: operators expect them to disappear from the store when its tag is invalidated. */
export function ownKeys(tag: string): string[] {
  const [, generation] = /^generation:([\w-]+)$/.exec(tag) ?? []
  if (generation !== undefined) {
    return [generations.generation(generation).key, generations.generationChapters(generation).key]
  }
  const [, kind, id] = /^(course|user):(\d+)$/.exec(tag) ?? []
  if (kind === 'course') return [courses.course(Number(id)).key, courses.courseModules(Number(id)).key]
  if (kind === 'user') return [users.profile(Number(id)).key]
  return tag === courseTags.categories ? [courses.categories().key] : []
}
