/** `npm run check:model -- --url ... --model ...`: tries a model server with a course of one chapter, and prints what it can do. */
import { parseArgs } from 'node:util'
import type { Outline } from '#generation/answers.ts'
import { ModelMeter } from '#generation/model/meter.ts'
import { problemsOf } from '#generation/model/quality.ts'
import { OpenAIProvider } from '#generation/openai.ts'
import { writeCourse } from '#generation/pipeline.ts'
import { ModelError, type Usage } from '#generation/provider.ts'
import type { FinishedChapter } from '#generation/records.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run check:model -- --url http://127.0.0.1:11434/v1 --model NAME [--key-env LLM_API_KEY]
                               [--language en|ru|...] [--timeout 120]
Asks a server with an OpenAI-compatible API for a course of one module and one chapter, and reports what the server can do. The key is
read from the variable that --key-env names. Exit code: 0 if a course was written, 1 if not, 2 for wrong usage.`

const { baseUrl, model, apiKey, language, timeoutMs } = readArguments()
const stopped = new AbortController()
process.once('SIGINT', () => stopped.abort(new Error('interrupted')))
const meter = new ModelMeter()
const provider = new OpenAIProvider({ baseUrl, model, apiKey, timeoutMs }, { meter })
const start = performance.now()
const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`
const cost = ({ promptTokens, completionTokens }: Usage) =>
  promptTokens + completionTokens === 0 ? 'tokens not reported' : `${promptTokens} + ${completionTokens} tokens`

const brief = { topic: 'Boiling an egg', audience: null, level: 'beginner', modules: 1, chaptersPerModule: 1 } as const
const checkpoints = {
  load: async () => ({ outline: null, chapters: [] }),
  ensureWanted: async () => stopped.signal.throwIfAborted(),
  saveUsage: async () => {},
  saveOutline: async ({ title }: Outline, used: Usage) =>
    print('outline', `"${title}", ${cost(used)}, after ${seconds()}`),
  saveChapter: async (chapter: FinishedChapter, used: Usage) => {
    print('chapter', `${chapter.content.length} characters, ${cost(used)}, after ${seconds()}`)
    for (const problem of problemsOf(chapter, language, [])) print('  but', problem)
  }
}
try {
  await writeCourse({ ...brief, language }, provider, checkpoints, { concurrency: 1, signal: stopped.signal })
  describe()
  console.log('\na course was written')
} catch (error) {
  describe()
  const cause = error instanceof ModelError && error.cause !== undefined ? `\nthe service said: ${error.cause}` : ''
  console.log(`\nno course was written: ${error instanceof Error ? error.message : error}${cause}`)
  process.exitCode = 1
}

function describe(): void {
  const { dialect, fallbacks } = provider.client
  print('answer format', dialect.format)
  print('streaming', dialect.stream ? 'yes' : 'no')
  print('system message', dialect.system ? 'yes' : 'no, sent as a part of the user message')
  print(
    'answer length',
    dialect.tokenLimit === null ? "the server's default" : `${dialect.tokenLimitName} ${dialect.tokenLimit}`
  )
  for (const fallback of fallbacks) print('fell back to', fallback)
  print('requests', `${meter.questions} (at best 2)`)
  print('total', `${cost(meter)}, ${seconds()}`)
}

function print(name: string, value: string): void {
  console.log(`${name.padEnd(18)} ${value}`)
}

function readArguments() {
  const text = { type: 'string' } as const
  const options = { url: text, model: text, 'key-env': text, language: text, timeout: text }
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } })
    if (values.help) endWithUsage(USAGE, null)
    const { url, model, language = 'en', timeout = '120', 'key-env': keyName } = values
    if (url === undefined || !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
      return endWithUsage(USAGE, '--url is required: a URL that begins with http:// or https://')
    }
    if (!model) return endWithUsage(USAGE, '--model is required')
    if (!/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language))
      return endWithUsage(USAGE, '--language must be a language tag such as "ru" or "en-GB"')
    const timeoutS = Number(timeout)
    if (!(timeoutS >= 1 && timeoutS <= 3600)) return endWithUsage(USAGE, '--timeout must be between 1 and 3600 seconds')
    const apiKey = keyName === undefined ? null : (process.env[keyName] ?? '')
    if (apiKey === '') return endWithUsage(USAGE, `--key-env: the variable ${keyName} is not set`)
    return { baseUrl: url, model, apiKey, language, timeoutMs: timeoutS * 1000 }
  } catch (error) {
    return endWithUsage(USAGE, error instanceof Error ? error.message : String(error))
  }
}
