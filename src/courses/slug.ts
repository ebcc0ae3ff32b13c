import slugify from '@sindresorhus/slugify'

const MAX_SLUG = 60

/** The slug of a course: of its title, in Latin letters; the id makes it unique, whatever the title. */
export function courseSlug(title: string, id: number): string {
  return `${slugify(title).slice(0, MAX_SLUG)}-${id}`.replace(/^-+|-+(?=-)/g, '')
}

/** Unique until the id is known. */
export function temporarySlug(): string {
  return crypto.randomUUID()
}
