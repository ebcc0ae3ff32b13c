import t from 'tap'
import { languageOf } from '#mail/language.ts'

t.test('a letter is in the supported language that the client prefers', async (t) => {
  const cases: [string | undefined, string][] = [
    ['ru-RU,ru;q=0.9,en-US;q=0.8', 'ru'],
    ['en;q=0.5, RU', 'ru'],
    ['de,en;q=0.4,ru;q=0.3', 'en'],
    ['ru;q=0', 'en'],
    ['ru;q=none,en', 'en'],
    ['*', 'en'],
    [`${'de,'.repeat(1000)}ru`, 'ru'],
    ['', 'en'],
    [undefined, 'en']
  ]
  for (const [header, language] of cases) t.equal(languageOf(header), language, `${header?.slice(0, 50)}`)
})
