import t from 'tap'
import { kinds, lineOf } from './scenarios/all.ts'
import { KEY, play, type Result, refuse } from './scenarios/scenario.ts'

const results: Result[] = []

for (const [kind, scenarios] of Object.entries(kinds)) {
  t.test(kind, async (t) => {
    // Concurrently: they mostly wait for pauses and timeouts.
    for (const result of await Promise.all(scenarios.map(play))) {
      const { scenario, told, most } = result
      results.push(result)
      t.comment(lineOf(result))
      t.same([result.calls, result.outcome], [scenario.calls, scenario.outcome], scenario.name)
      t.ok(most <= (scenario.needed ?? 1) + 2, `${scenario.name}: no question takes more than two unneeded calls`)
      if (scenario.told !== undefined) t.match(told, scenario.told, scenario.name)
      t.notMatch(told, KEY)
      for (const form of [encodeURIComponent(KEY), Buffer.from(KEY).toString('base64').slice(0, -4)])
        t.notOk(told.includes(form))
      if (scenario.outcome !== 'course') continue
      t.equal(result.chapters.length, 2, scenario.name)
      t.ok(result.chapters.every(({ minutes }) => minutes === 12))
      t.same(
        result.chapters.flatMap(({ content }) => /```json|<think>|^# |\r/m.exec(content) ?? []),
        []
      )
    }
  })
}

t.test('no part of a key is logged where a message is truncated', async (t) => {
  const texts = Array.from({ length: 60 }, (_, i) => `${'x'.repeat(960 + i)}${KEY}`)
  for (const text of texts) {
    const scenario = { name: '', calls: 1, outcome: 'MODEL_KEY', serve: refuse(() => true, 401, text) } as const
    t.notMatch((await play(scenario)).told, /sk-s/)
  }
})

t.test('usage, fallbacks and messages of the scenarios', async (t) => {
  const named = (name: string) => results.find(({ scenario }) => scenario.name === name)
  t.ok(results.length >= 60)
  t.same(named('everything works')?.usage, { promptTokens: 300, completionTokens: 150 })
  t.same(
    named('always another form')?.usage,
    { promptTokens: 300, completionTokens: 150 },
    'useless answers count, too'
  )
  t.same(named('any response_format refused')?.fallbacks, [
    'the form of answers: json object instead of schema',
    'the form of answers: prompt instead of json object'
  ])
  t.same(named('400 for every request')?.fallbacks, [], 'fallbacks that did not help are not kept')
  for (const { questions } of results) {
    t.ok(
      questions.every(({ messages }) =>
        messages.some(({ content }) => /"title": "<text|"content": "<text/.test(content))
      )
    )
  }
  const merged = named('no system role (400, vLLM with Gemma)')?.questions.at(-1)?.messages
  t.match(merged, [{ role: 'user', content: /^You write courses(.|\n)*Write chapter/ }])
  const asked = named('a chapter in another language')?.questions.find(({ messages }) => messages.length > 2)
  t.match(asked?.messages.at(-1)?.content, /not in the requested language \(ru\)/)
  const tidy = named('wrong heading levels, CRLF, a title and a fence are fixed without a request')
  t.match(tidy?.chapters[0]?.content, /^## 1\.\d\n\n## About/)
})
