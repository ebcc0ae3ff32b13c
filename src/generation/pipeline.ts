import pMap from 'p-map'
import type { Outline } from './answers.ts'
import { type Admit, ModelError, type ModelProvider, type Usage } from './provider.ts'
import { askForChapter, askForOutline, type Brief, find } from './questions.ts'
import type { FinishedChapter } from './records.ts'

/** Where a run keeps what it has, so that another one need not ask for it again. */
export interface Checkpoints {
  load(): Promise<{ outline: Outline | null; chapters: readonly FinishedChapter[] }>
  saveOutline(outline: Outline, usage: Usage): Promise<void>
  saveChapter(chapter: FinishedChapter, usage: Usage): Promise<void>
  /** What answers have cost that were no use. */
  saveUsage(usage: Usage): Promise<void>
  /** Asked before every question to the model; throws when nobody wants the answer any more. */
  ensureWanted(): Promise<void>
}

export interface WrittenCourse {
  readonly outline: Outline
  readonly chapters: readonly FinishedChapter[]
}

/**
 * From a brief to a course: its outline, then its chapters, `concurrency` at a time; what the checkpoints have is not asked
 * for again. After an error no further question is asked, but the answers that are under way are still kept: they are paid for.
 * Throws what the provider, the checkpoints and `admit` throw; `signal` breaks off the questions that are under way.
 */
export async function writeCourse(
  brief: Brief,
  provider: ModelProvider,
  checkpoints: Checkpoints,
  { concurrency, signal, admit }: { concurrency: number; signal: AbortSignal; admit?: Admit }
): Promise<WrittenCourse> {
  const paid = async <T>(answer: Promise<T>): Promise<T> => {
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
    const answer = await paid(provider.outline(askForOutline(brief), signal, admit))
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
        const { value, usage } = await paid(provider.chapter(askForChapter(brief, plan, place), signal, admit))
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
