import t from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { CoursePage } from '../support/contract.ts'
import { addCourse } from '../support/courses.ts'
import { get } from '../support/http.ts'

const long = 'Других слов здесь много, and good others of Google. '.repeat(20)

/** Courses by slug; `content` is the text of a chapter. */
const courses = {
  kitchen: { title: 'Кухня и дом', summary: 'Про еду', language: 'ru' },
  ai: { title: 'Обо всём', summary: 'Что такое ИИ', language: 'ru' },
  wasps: { title: 'Осы и оси', summary: 'Про осу', language: 'ru' },
  systems: { title: 'Введение', summary: 'Как устроены ОС и БД', language: 'ru' },
  pronoun: { title: 'Make it work as well', summary: 'It is for all who can do it', language: 'en' },
  careers: { title: 'Careers', summary: 'Jobs in IT, and a CAN bus', language: 'en' },
  road: { title: 'Прогулки по лесу', summary: 'По тропам', language: 'ru' },
  quality: { title: 'Качество', summary: 'Тестирование ПО вручную', language: 'ru' },
  loud: { title: 'ПРОГУЛКИ ПО ГОРОДУ', summary: 'ВСЁ ПО ПЛАНУ', language: 'ru' },
  aws: { title: 'AWS', summary: 'Servers of others', language: 'en' },
  awards: { title: 'Awards', summary: 'Be aware of them', language: 'en' },
  ups: { title: 'Going up', summary: 'Updates', language: 'en' },
  hell: { title: 'Going Deeper', summary: 'Where to go', language: 'en', content: 'x = self.net(y) and [network]' },
  asp: { title: 'Services', summary: 'On ASP.NET Core', language: 'en' },
  minimal: { title: 'Hosting', summary: 'With words', language: 'en', content: `${long}Now (.NET) begins.` },
  mail: { title: 'Letters', summary: 'Write an e-mail', language: 'en' },
  email: { title: 'Letters', summary: 'Write an email', language: 'en' },
  stack1: { title: 'Developers', summary: 'full-stack', language: 'en' },
  stack2: { title: 'Developers', summary: 'fullstack', language: 'en' },
  stack3: { title: 'Developers', summary: 'full stack', language: 'en' },
  signs: {
    title: 'Languages',
    summary: 'Compared',
    language: 'ru',
    content: `${long}В C++17, а потом на Go и JavaScript`
  },
  sharp: { title: 'One line', summary: 'Short', language: 'en', content: 'C#' },
  pearson: {
    title: 'Numbers',
    summary: 'Fewer',
    language: 'en',
    content: `${long}Correlation coefficient r, a script; F#`
  }
} as const

const found: readonly [search: string, slugs: (keyof typeof courses)[]][] = [
  // Abbreviations, which are neither inflections of another word nor stop words.
  ['ИИ', ['ai']],
  ['ИИ кухня', []],
  ['ОС', ['systems']],
  ['БД', ['systems']],
  ['осы', ['wasps']],
  ['IT', ['careers']],
  ['CAN', ['careers']],
  // Occurs in capitals in a chapter of the demo.
  ['AS', []],
  ['ПО', ['quality']],
  ['тестирование по', ['quality']],
  ['прогулки по', ['loud', 'road']],
  ['AWS', ['aws']],
  ['UPS', []],
  ['go', ['hell', 'signs']],
  // Stop words as prefixes: courses with the word in the title come first.
  ['и', ['kitchen', 'wasps']],
  ['.NET', ['asp', 'minimal']],
  ['asp.net', ['asp']],
  ['dotnet', ['asp', 'minimal']],
  ['netw', ['hell']],
  ['self.net', ['hell']],
  // Compounds.
  ...(['e-mail', 'email', 'E‑Mail'] as const).map((search): [string, ['email', 'mail']] => [search, ['email', 'mail']]),
  ['full-stack', ['stack1', 'stack2', 'stack3']],
  ['full stack', ['stack1', 'stack2', 'stack3']],
  ['fullstack', ['stack1', 'stack2']]
]

/** The words that are highlighted, and in which field. */
const marked: readonly [search: string, slug: keyof typeof courses, field: string, text: string[]][] = [
  ['R', 'pearson', 'chapter', ['r']],
  ['script', 'pearson', 'chapter', ['script']],
  ['F#', 'pearson', 'chapter', ['F#']],
  ['C++', 'signs', 'chapter', ['C++']],
  ['Go', 'signs', 'chapter', ['Go']],
  ['javascrpit', 'signs', 'chapter', ['JavaScript']],
  ['C#', 'sharp', 'chapter', ['C#']],
  ['.net', 'minimal', 'chapter', ['.NET']],
  ['netw', 'hell', 'chapter', ['network']],
  ['ИИ', 'ai', 'summary', ['ИИ']],
  ['email', 'mail', 'summary', ['e-mail']],
  ['e-mail', 'email', 'summary', ['email']],
  ['full stack', 'stack1', 'summary', ['full-stack']]
]

bothWays(t, async (t, { app, url }) => {
  const { client } = app.database
  const slugOf = new Map<number, string>()
  for (const [slug, data] of Object.entries(courses)) {
    const { content, ...course } = { content: undefined, ...data }
    const { id, chapterId } = await addCourse(client, { slug: `own-${slug}`, ...course })
    slugOf.set(id, slug)
    if (content !== undefined) await client.chapter.update({ where: { id: chapterId }, data: { content } })
  }
  const items = async (search: string) => {
    const { items } = await get(CoursePage, `${url}/api/v1/courses?limit=100&search=${encodeURIComponent(search)}`)
    return items
  }

  await t.test('abbreviations, .NET and compounds find their courses', async (t) => {
    for (const [search, slugs] of found) {
      const own = (await items(search)).flatMap(({ id }) => slugOf.get(id) ?? [])
      t.same(own.sort(), slugs, search)
    }
    const [first] = await items('английский it')
    t.equal(first?.slug, 'anglijskij-dlya-it', 'an abbreviation that is also a stop word still raises the rank')
  })

  await t.test('matches are highlighted, in long texts too', async (t) => {
    for (const [search, slug, field, text] of marked) {
      const highlight = (await items(search)).find(({ id }) => slugOf.get(id) === slug)?.highlight
      const marked = highlight?.parts.flatMap(({ text, found }) => (found ? [text] : []))
      t.same([highlight?.field, marked], [field, text], search)
    }
    for (const [search] of [...found, ...marked]) {
      const without = (await items(search)).filter(({ highlight }) => highlight === undefined)
      t.same(
        without.map(({ slug }) => slug),
        [],
        `${search}: each has a highlight`
      )
    }
  })
})
