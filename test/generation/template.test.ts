import t from 'tap'
import { Check } from 'typebox/schema'
import { ChapterText, type Outline, outlineSchema } from '#generation/answers.ts'
import { ModelError } from '#generation/provider.ts'
import { askForChapter, askForOutline, type Brief } from '#generation/questions.ts'
import { TemplateProvider } from '#generation/template/template.ts'
import { parseTexts, readTexts } from '#generation/template/texts.ts'

const provider = new TemplateProvider()
const { signal } = new AbortController()
const brief = (change: Partial<Brief> = {}): Brief => ({
  topic: 'Chess',
  audience: null,
  level: 'beginner',
  language: 'en',
  modules: 3,
  chaptersPerModule: 3,
  ...change
})

async function course(wanted: Brief) {
  const { value: outline } = await provider.outline(askForOutline(wanted), signal)
  const chapters = await Promise.all(
    outline.modules.flatMap(({ chapters }, m) =>
      chapters.map(async (_, c) => {
        const question = askForChapter(wanted, outline, { module: m + 1, chapter: c + 1 })
        return (await provider.chapter(question, signal)).value
      })
    )
  )
  return { outline, chapters }
}

const titles = ({ modules }: Outline) =>
  modules.flatMap(({ title, chapters }) => [title, ...chapters.map((c) => c.title)])
const cyrillic = (text: string) => (text.match(/[а-яё]/gi)?.length ?? 0) / text.length

for (const language of ['en', 'ru', 'ru-RU']) {
  for (const level of ['beginner', 'intermediate', 'advanced'] as const) {
    for (const [modules, chaptersPerModule] of [
      [1, 1],
      [3, 3],
      [12, 10]
    ] as const) {
      t.test(`${language}, ${level}, ${modules} x ${chaptersPerModule}`, async (t) => {
        const { outline, chapters } = await course(brief({ language, level, modules, chaptersPerModule }))
        t.ok(Check(outlineSchema(modules, chaptersPerModule), outline))
        t.ok(chapters.every((chapter) => Check(ChapterText, chapter)))
        t.equal(chapters.length, modules * chaptersPerModule)
        const all = titles(outline)
        t.equal(new Set(all).size, all.length, 'no duplicate title')
        t.equal(new Set(chapters.map(({ content }) => content)).size, chapters.length, 'no duplicate chapter')
        for (const { content } of chapters) {
          t.equal(content.match(/^## /gm)?.length, 6, 'objectives, explanation, example, checklist, exercises, quiz')
          t.ok(content.length > 1800, 'the chapter is long enough')
          t.notMatch(content, /\{[a-z]\}/, 'no placeholder is left')
          t.equal(cyrillic(content) > 0.5, language !== 'en', 'in the requested language')
        }
      })
    }
  }
}

t.test('the same request gives the same course, another topic a different one', async (t) => {
  t.same(await course(brief()), await course(brief()))
  const [chess, go] = [await course(brief()), await course(brief({ topic: 'Go' }))]
  const withoutTopic = ({ chapters }: typeof chess, topic: string) =>
    chapters.map((c) => c.content.replaceAll(topic, ''))
  t.not(withoutTopic(chess, 'Chess').join(), withoutTopic(go, 'Go').join(), 'they differ in more than the topic')
})

t.test('a topic is treated as text, whatever it contains', async (t) => {
  const hostile = [
    '<script>alert(1)</script>',
    '**bold** `code`',
    '$& $1 {f} {t}',
    '\ud800 lone',
    '<<<>>>',
    'x'.repeat(200)
  ]
  for (const topic of hostile) {
    const { outline, chapters } = await course(brief({ topic, audience: topic }))
    t.ok(Check(outlineSchema(3, 3), outline), topic)
    t.notMatch(JSON.stringify(chapters), /[^\\](<script|\*\*bold|`code)/, 'the topic is escaped in Markdown')
    t.notMatch(outline.description, /[^\\](<script|\*\*bold|`code)/)
    for (const { content } of chapters) t.equal(content.match(/^## /gm)?.length, 6)
  }
})

t.test('titles keep special characters of a topic', async (t) => {
  for (const topic of ['C# for Java developers', 'Vec<T> & generics', 'snake_case', '5 * 5 = 25']) {
    const { outline } = await course(brief({ topic }))
    t.ok(outline.title.includes(topic), outline.title)
  }
})

t.test('an unsupported language and an aborted signal are errors', async (t) => {
  await t.rejects(provider.outline(askForOutline(brief({ language: 'de' })), signal), ModelError)
  await t.rejects(provider.outline(askForOutline(brief()), AbortSignal.abort(new Error('cancelled'))), /cancelled/)
})

t.test('incomplete texts and unknown placeholders are refused, naming the place', async (t) => {
  const texts = readTexts('en')
  t.same(parseTexts('en', JSON.stringify(texts)), texts)
  const refused: [change: object, message: RegExp][] = [
    [{ words: { ...texts.words, quiz: 'A quiz on {topic}' } }, /en\.json: .*\/words\/quiz/],
    [{ words: { ...texts.words, more: 'Unknown' } }, /\/words/],
    [{ focuses: texts.focuses.slice(1) }, /\/focuses .*12/],
    [{ aspects: texts.aspects.slice(1) }, /\/aspects .*10/],
    [{ levels: { beginner: texts.levels.beginner } }, /\/levels .*intermediate/]
  ]
  for (const [change, message] of refused) {
    t.throws(() => parseTexts('en', JSON.stringify({ ...texts, ...change })), message)
  }
  t.throws(() => parseTexts('en', '{'), SyntaxError)
})
