import t from 'tap'
import { OpenAIProvider } from '#generation/openai.ts'
import { ModelError } from '#generation/provider.ts'
import { askForOutline } from '#generation/questions.ts'
import { ModelServer } from '../support/model-server.ts'

const brief = {
  topic: 'T',
  audience: null,
  level: 'beginner',
  language: 'en',
  modules: 1,
  chaptersPerModule: 1
} as const

t.test('calls to an unresponsive server wait concurrently, once the first has probed it', async (t) => {
  const model = await ModelServer.start(t)
  let [open, most] = [0, 0]
  model.behaviour = (_question, response) => {
    most = Math.max(most, ++open)
    response.on('close', () => open--)
    return new Promise(() => {})
  }
  const settings = { baseUrl: model.url, apiKey: null, model: 'm', timeoutMs: 300 }
  const provider = new OpenAIProvider(settings, { pausesMs: [1, 1] })
  const { signal } = new AbortController()
  const asked = ['one', 'two', 'three', 'four'].map((topic) =>
    provider.outline(askForOutline({ ...brief, topic }), signal)
  )
  for (const result of await Promise.allSettled(asked))
    t.match(result, { reason: { failure: 'MODEL_TIMEOUT' } }) &&
      t.ok('reason' in result && result.reason instanceof ModelError)
  t.equal(model.questions.length, 12)
  t.ok(most >= 3, `${most} at a time`)
})
