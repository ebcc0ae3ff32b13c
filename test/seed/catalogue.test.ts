import t from 'tap'
import type { CourseFile } from '#seed/course-file.ts'
import { authors, categories } from '#seed/people.ts'
import { readCourses } from '#seed/seed.ts'

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/
const PLACEHOLDER = /[Ll]orem ipsum|\bTODO\b|\bTBD\b|\bFIXME\b/

const courses = await readCourses()
const chaptersOf = ({ modules }: CourseFile) => modules.flatMap(({ chapters }) => chapters)
const within = (value: number, least: number, most: number) => value >= least && value <= most
const repeated = (values: readonly string[]) => values.filter((value, index) => values.indexOf(value) !== index)
/** The share of Cyrillic letters among all letters, without code. */
const cyrillic = (text: string) => {
  const letters = text.replace(/```.*?```|`[^`]*`/gs, '').match(/\p{L}/gu) ?? []
  return letters.filter((letter) => /\p{Script=Cyrillic}/u.test(letter)).length / letters.length
}

t.test('the catalogue is large enough, in two languages and at three levels', async (t) => {
  t.ok(courses.length >= 16, `${courses.length} courses`)
  t.ok(categories.length >= 5, `${categories.length} categories`)
  t.strictSame([...new Set(courses.map(({ language }) => language))].sort(), ['en', 'ru'])
  t.strictSame([...new Set(courses.map(({ level }) => level))].sort(), ['advanced', 'beginner', 'intermediate'])
})

t.test('every category and author that a course names exists, and each is used', async (t) => {
  const used = (pick: (course: CourseFile) => string) => [...new Set(courses.map(pick))].sort()
  t.strictSame(
    used(({ category }) => category),
    categories.map(({ slug }) => slug).sort()
  )
  t.strictSame(
    used(({ author }) => author),
    authors.map(({ handle }) => handle).sort()
  )
})

t.test('slugs, titles and people are unique', async (t) => {
  t.strictSame(repeated(courses.map(({ title }) => title)), [])
  t.strictSame(repeated(categories.map(({ slug }) => slug)), [])
  t.strictSame(repeated(authors.map(({ handle }) => handle)), [])
  for (const slug of [...courses, ...categories].map(({ slug }) => slug)) t.match(slug, SLUG)
})

for (const course of courses) {
  t.test(`${course.slug} is a complete course`, async (t) => {
    const { title, summary, description, language, modules } = course
    t.ok(within(title.length, 5, 100), `a title: ${title}`)
    t.ok(within(summary.length, 60, 220), `a summary of ${summary.length} characters`)
    t.ok(description.length >= 300, `a description of ${description.length} characters`)
    t.ok(within(modules.length, 3, 6), `${modules.length} modules`)
    t.strictSame(repeated(modules.map(({ title }) => title)), [], 'its modules differ')
    t.strictSame(repeated(chaptersOf(course).map(({ title }) => title)), [], 'its chapters differ')
    for (const { title, summary, chapters } of modules) {
      t.ok(title.length > 2 && summary.length > 10, `module "${title}" says what it is about`)
      t.ok(within(chapters.length, 2, 5), `module "${title}" has ${chapters.length} chapters`)
    }
    const text = [title, summary, description, ...chaptersOf(course).map(({ content }) => content)].join('\n')
    const share = cyrillic(text)
    t.ok(language === 'ru' ? share > 0.5 : share < 0.1, `${language}: ${Math.round(share * 100)} % Cyrillic`)
  })

  t.test(`the chapters of ${course.slug} have content`, async (t) => {
    for (const { title, minutes, content } of chaptersOf(course)) {
      t.ok(title.length > 2, title)
      t.ok(within(minutes, 3, 60), `${title}: ${minutes} minutes`)
      t.ok(content.split(/\s+/).length >= 90 && content.length >= 500, `${title}: ${content.length} characters`)
      t.notMatch(content, PLACEHOLDER, title)
      t.equal((content.match(/^```/gm) ?? []).length % 2, 0, `${title}: every code block ends`)
    }
  })
}
