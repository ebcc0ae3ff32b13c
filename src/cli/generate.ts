/** `npm run generate -- --topic "..." --level beginner --language ru`: writes a course and prints it as Markdown. */
import { parseArgs } from 'node:util'
import { Presets, SingleBar } from 'cli-progress'
import { Check } from 'typebox/schema'
import { readConfig } from '#config/config.ts'
import { CachedProvider } from '#generation/cached-provider.ts'
import { createProvider } from '#generation/create-provider.ts'
import { type Checkpoints, type WrittenCourse, writeCourse } from '#generation/pipeline.ts'
import { languageProblem } from '#generation/provider.ts'
import type { Brief } from '#generation/questions.ts'
import { NewGeneration } from '#generation/shapes.ts'
import { describeMisfit } from '#http/validation.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { openCache } from './open-cache.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run generate -- --topic "..." [--level beginner|intermediate|advanced] [--language ru|en|...]
                            [--modules 1..12] [--chapters 1..10] [--audience "..."]
Defaults: beginner, en, 3 modules of 3 chapters each. Prints the course to standard output as Markdown, and progress to standard error.
LLM_* select the model. With REDIS_URL, its answers are cached for two hours, so that repeating a request costs nothing.`

const WAIT_MS = 2000

const brief = readArguments()
const stopped = new AbortController()
process.once('SIGINT', () => stopped.abort(new Error('interrupted')))
try {
  const config = readConfig(process.env)
  const provider = await createProvider(config.llm)
  const { concurrency } = config.generation
  const { url } = config.redis
  const opened = url === null ? null : await openCache(url, config, WAIT_MS)
  try {
    if (opened !== null && !opened.cache.trusted)
      console.error('Redis does not answer: answers of the model are not cached')
    const problem = languageProblem(provider, brief.language)
    if (problem !== null) usage(`--${problem}`)
    // Answers of the model have no tags, so it does not matter that `openCache` does not replay missed invalidations.
    const writer = opened === null ? provider : new CachedProvider(provider, opened.cache)
    print(await writeCourse(brief, writer, progressBar(brief), { concurrency, signal: stopped.signal }))
  } finally {
    if (opened !== null) closeRedis(opened.redis)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
// Exit explicitly: the cache still has timers. All output has been written by now.
process.stdout.write('', () => process.exit())

function readArguments(): Brief {
  const text = { type: 'string' } as const
  const options = { topic: text, level: text, language: text, modules: text, chapters: text, audience: text }
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } })
    if (values.help) usage(null)
    const wanted = {
      ...(values.topic === undefined ? {} : { topic: values.topic }),
      level: values.level ?? 'beginner',
      language: values.language ?? 'en',
      modules: Number(values.modules ?? 3),
      chaptersPerModule: Number(values.chapters ?? 3),
      ...(values.audience === undefined ? {} : { audience: values.audience })
    }
    if (Check(NewGeneration, wanted)) return { ...wanted, audience: wanted.audience ?? null }
    return usage(`--${describeMisfit(NewGeneration, wanted).replace('chaptersPerModule', 'chapters')}`)
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

function usage(problem: string | null): never {
  endWithUsage(USAGE, problem)
}

/** Checkpoints that save nothing but show progress: as a bar on a terminal, otherwise as one line per step. */
function progressBar({ modules, chaptersPerModule }: Brief): Checkpoints {
  const total = modules * chaptersPerModule
  const terminal = process.stderr.isTTY
  const bar = new SingleBar({ format: '{bar} {value}/{total} chapters, {eta_formatted} left' }, Presets.shades_classic)
  let done = 0
  return {
    load: async () => ({ outline: null, chapters: [] }),
    saveUsage: async () => {},
    ensureWanted: async () => stopped.signal.throwIfAborted(),
    saveOutline: async ({ title }) => {
      console.error(`outline: ${title}`)
      if (terminal) bar.start(total, 0)
    },
    saveChapter: async ({ module, chapter, title }) => {
      done++
      if (terminal) bar.update(done)
      else console.error(`${done}/${total} chapters: ${module}.${chapter} ${title}`)
      if (terminal && done === total) bar.stop()
    }
  }
}

function print({ outline, chapters }: WrittenCourse): void {
  console.log(`# ${outline.title}\n\n${outline.summary}\n\n${outline.description}`)
  outline.modules.forEach((module, m) => {
    console.log(`\n## ${m + 1}. ${module.title}\n\n${module.summary}`)
    for (const { module: number, chapter, title, minutes, content } of chapters) {
      if (number === m + 1)
        console.log(`\n### ${number}.${chapter} ${title} (${minutes}′)\n\n${demoteHeadings(content)}`)
    }
  })
}

/** Moves the headings of a chapter two levels down, below its own heading. Code blocks are not changed. */
function demoteHeadings(content: string): string {
  let inCode = false
  const lines = content.split('\n').map((line) => {
    if (/^(```|~~~)/.test(line)) inCode = !inCode
    return !inCode && /^#{1,4} /.test(line) ? `##${line}` : line
  })
  return lines.join('\n')
}
