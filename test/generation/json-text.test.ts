import t from 'tap'
import { ChapterText, outlineSchema } from '#generation/answers.ts'
import { findJson } from '#generation/model/json-text.ts'
import { problemsOf, tidyChapter } from '#generation/model/quality.ts'

const found = (text: string) => findJson(text, ChapterText, { isWhole: true })
const chapter = (content: string, minutes = 12) => JSON.stringify({ minutes, content })
const fill = (piece: string, length: number) => piece.repeat(Math.floor(length / piece.length))

t.test('any text is parsed quickly', async (t) => {
  const size = 2_000_000
  const hostile = {
    'unclosed reasoning tags': fill('<think>', size),
    'reasoning tags of several kinds': fill('<think><Thinking><thought><reasoning>', size),
    'empty reasoning tags': fill('<think></think></think>', size),
    brackets: fill('[', size),
    'objects in objects': fill('{"a":', size),
    'a list of objects': `[${fill('{},', size)}{}]`,
    'a shorter list': `[${fill('{},', 200_000)}{}]`,
    'quotes, for which jsonrepair takes minutes': `{${fill('"', 200_000)}}`,
    'quotes after lines, for which it takes hours': `{"a":"${fill('x\n"y', 100_000)}}`,
    'values in a known field': `{"content": ${fill('[', 3000)}${fill(']', 3000)}}`
  }
  for (const [name, text] of Object.entries(hostile)) {
    for (const schema of [ChapterText, outlineSchema(2, 2)]) {
      const start = performance.now()
      t.ok('best' in findJson(text, schema, { isWhole: true }), name)
      t.ok(performance.now() - start < 2000, `${name}: ${Math.round(performance.now() - start)} ms`)
    }
  }
  const start = performance.now()
  problemsOf(tidyChapter({ minutes: 1, content: fill('[insert ', 50_000) }), 'en', [])
  t.ok(performance.now() - start < 200, 'brackets in a chapter')
})

t.test('reasoning tags inside a chapter are part of its text', async (t) => {
  for (const content of ['It ends with `</think>`.', '<think>REASON</think> and <reasoning>why</reasoning>'])
    for (const around of ['', '```json\n', 'Here it is: ', '<think>{"minutes": 1, "content": "a draft"}</think>'])
      t.same(found(around + chapter(content)), { value: { minutes: 12, content } }, around + content)
  const after = `I thought of ${chapter('a draft that is a good deal longer', 1)}</think>\n${chapter('The answer.')}`
  t.match(found(after), { value: { content: 'The answer.' } })
})

t.test('a draft or an example before or after the answer is not taken for it', async (t) => {
  const [draft, answer] = [chapter('placeholder', 10), chapter('The whole of the chapter.')]
  for (const text of [`Format: ${draft}\n\n${answer}`, `${answer}\n\nThe form was ${draft}`, `${draft}\n${answer}`])
    t.match(found(text), { value: { content: 'The whole of the chapter.' } })
  t.match(found(`${chapter('one')}\n${chapter('two')}`), { value: { content: 'two' } })
})

t.test('formulas with a missing backslash are repaired', async (t) => {
  const formulas = String.raw`$\frac{1}{2} + \beta \times \text{x} - \rho$`
  const invalid = String.raw`$\alpha + \Re + \Beta + \underline{x} \_ \u00e9 \\ $`
  const once = (content: string) => `{"minutes": 12, "content": "A line.\\n${content}"}`
  t.same(found(once(formulas)), { value: { minutes: 12, content: `A line.\n${formulas}` } })
  const both = `${formulas} ${invalid}`.replace(String.raw`\u00e9`, 'é').replace(String.raw`\\`, String.raw`\ `.trim())
  t.same(found(once(`${formulas} ${invalid}`)), { value: { minutes: 12, content: `A line.\n${both}` } })
  t.same(found(chapter(formulas)), { value: { minutes: 12, content: formulas } }, 'correct escapes are unchanged')
})
