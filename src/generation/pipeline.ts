import pMap from 'p-map'
import type { Outline } from './answers.ts'
import { type Admit, ModelError, type ModelProvider, type Usage } from './provider.ts'
import { askForChapter, askForOutline, type Brief, find } from './questions.ts'
import type { FinishedChapter } from './records.ts'

/** Where a run saves its results, so that the next run need not pay for them again. */
export interface Checkpoints {
  load(): Promise<{ outline: Outline | null; chapters: readonly FinishedChapter[] }>
  saveOutline(outline: Outline, usage: Usage): Promise<void>
  saveChapter(chapter: FinishedChapter, usage: Usage): Promise<void>
  /** The cost of unusable answers. */
  saveUsage(usage: Usage): Promise<void>
  /** Called before every question to the model; throws when the answer is no longer wanted. */
  ensureWanted(): Promise<void>
}

export interface WrittenCourse {
  readonly outline: Outline
  readonly chapters: readonly FinishedChapter[]
}

/**
 * Writes a course from a brief: the outline, then the chapters, `concurrency` at a time, without those that have a
 * checkpoint. After an error it asks no further questions, but still saves the answers under way: they are paid for.
 * Throws what the provider, the checkpoints and `admit` throw; `signal` aborts the questions under way.
 */
export async function writeCourse(
  brief: Brief,
  provider: ModelProvider,
  checkpoints: Checkpoints,
  { concurrency, signal, admit }: { concurrency: number; signal: AbortSignal; admit?: Admit }
): Promise<WrittenCourse> {
  const savingFailedCost = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      if (error instanceof ModelError && error.usage.promptTokens > 0) await checkpoints.saveUsage(error.usage)
      throw error
    }
  }
  const before = await checkpoints.load()
  let { outline } = before
  if (outline === null) {
    await checkpoints.ensureWanted()
    const answer = await savingFailedCost(provider.outline(askForOutline(brief), signal, admit))
    outline = answer.value
    await checkpoints.saveOutline(outline, answer.usage)
  }

  const plan = outline
  const finished = new Map(before.chapters.map((chapter) => [`${chapter.module}.${chapter.chapter}`, chapter]))
  const places = plan.modules.flatMap(({ chapters }, m) => chapters.map((_, c) => ({ module: m + 1, chapter: c + 1 })))
  const missing = places.filter(({ module, chapter }) => !finished.has(`${module}.${chapter}`))
  const failures: unknown[] = []
  await pMap(
    missing,
    async (place) => {
      if (failures.length > 0) return
      try {
        await checkpoints.ensureWanted()
        const { value, usage } = await savingFailedCost(
          provider.chapter(askForChapter(brief, plan, place), signal, admit)
        )
        const chapter = { ...place, title: find(plan, place).title, ...value }
        await checkpoints.saveChapter(chapter, usage)
        finished.set(`${place.module}.${place.chapter}`, chapter)
      } catch (error) {
        failures.push(error)
      }
    },
    { concurrency }
  )
  if (failures.length > 0) throw failures[0]
  return { outline: plan, chapters: places.flatMap((p) => finished.get(`${p.module}.${p.chapter}`) ?? []) }
}
