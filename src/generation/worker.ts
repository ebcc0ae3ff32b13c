import type { Log } from '#logging/log.ts'
import { GenerationFailure } from './failures.ts'
import type { GenerationFeed } from './feed.ts'
import { JobRun, type JobRunParts, SupersededError } from './job-run.ts'
import type { ModelBudget } from './model-budget.ts'
import { writeCourse } from './pipeline.ts'
import type { ModelProvider } from './provider.ts'
import { ModelError } from './provider.ts'
import type { QueuedRun } from './queue.ts'

/** After this many runs, however they ended (a crash counts), a generation has failed. */
const MAX_ATTEMPTS = 10

export interface WorkerOptions extends JobRunParts {
  readonly feed: GenerationFeed
  readonly provider: ModelProvider
  /** Counts the questions to the model. */
  readonly budget: ModelBudget
  /** How many chapters of one generation are asked for at a time. */
  readonly concurrency: number
  readonly log: Log
}

class StoppingError extends Error {
  override readonly name = 'StoppingError'
}

class ExhaustedError extends Error {
  override readonly name = 'ExhaustedError'
}

/** Runs generations. `run` rejects when the job is to be retried; every other outcome is saved. */
export class GenerationWorker {
  readonly #options: WorkerOptions
  readonly #runs = new Set<JobRun>()
  #stopping = false

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** The number of generations running now. */
  get running(): number {
    return this.#runs.size
  }

  async run({ id, attempt, tries, signal }: QueuedRun): Promise<void> {
    const { log } = this.#options
    const run = new JobRun(id, attempt, this.#options)
    if (this.#stopping) throw new StoppingError('this worker is stopping')
    this.#runs.add(run)
    try {
      await this.#generate(run, tries, signal)
      log.info({ generation: id, attempt }, 'generation completed')
    } catch (err) {
      await this.#settle(run, tries, signal, err)
    } finally {
      this.#runs.delete(run)
    }
  }

  /** Asks for no more chapters; those under way are still saved, and the rest is left to other workers. */
  stop(): void {
    this.#stopping = true
    for (const run of this.#runs) run.stop(new StoppingError('this worker is stopping: another one continues'))
  }

  async #generate(run: JobRun, tries: number, signal: AbortSignal): Promise<void> {
    const { provider, concurrency, feed, budget } = this.#options
    const brief = await run.begin()
    if (tries >= MAX_ATTEMPTS) throw new ExhaustedError(`not finished after ${MAX_ATTEMPTS} runs`)
    const superseded = new AbortController()
    const watching = new AbortController()
    // Without this, a cancellation would only prevent the next question; this aborts the one under way.
    const watch = async () => {
      for await (const { generation } of feed.follow(run.id, null, watching.signal)) {
        if (generation.status !== 'running')
          superseded.abort(new SupersededError(`the generation is ${generation.status}`))
      }
      const isDeleted = !watching.signal.aborted && !this.#stopping
      if (isDeleted) superseded.abort(new SupersededError('the generation was deleted'))
    }
    const watched = watch()
    try {
      const runSignal = AbortSignal.any([signal, superseded.signal])
      const waitSignal = AbortSignal.any([runSignal, run.stopped])
      const admit = async () => {
        let hasWaited = false
        await budget.spend(async () => {
          hasWaited = true
          await run.showWaiting()
        }, waitSignal)
        if (hasWaited) await run.resume()
      }
      const course = await writeCourse(brief, provider, run, { concurrency, signal: runSignal, admit })
      watching.abort()
      await run.complete(course)
    } catch (error) {
      throw superseded.signal.aborted ? superseded.signal.reason : error
    } finally {
      watching.abort()
      await watched
    }
  }

  /** Saves how a run ended; rejects when the job is to be retried. */
  async #settle(run: JobRun, tries: number, signal: AbortSignal, err: unknown): Promise<void> {
    const { log } = this.#options
    const { id, attempt } = run
    if (err instanceof SupersededError) return log.info({ generation: id, reason: err.message }, 'generation dropped')
    if (err instanceof ModelError) {
      log.warn(
        { generation: id, err, cause: err.cause },
        'generation failed: the model gave no usable answer; see LLM_* in the configuration'
      )
      return run.fail(err.failure)
    }
    if (err instanceof GenerationFailure) {
      log.info({ generation: id, failure: err.failure, reason: err.message }, 'generation failed')
      return run.fail(err.failure)
    }
    if (err instanceof StoppingError || this.#stopping) {
      log.info({ generation: id }, 'generation returned to the queue: this worker is stopping')
      throw err
    }
    if (signal.aborted) {
      log.warn(
        { generation: id, attempt },
        'generation lost: this worker was declared dead, and another one has taken over'
      )
      throw err
    }
    if (!(err instanceof ExhaustedError) && tries + 1 < MAX_ATTEMPTS) {
      log.error({ generation: id, attempt, err }, 'generation interrupted: it will be retried')
      throw err
    }
    log.error({ generation: id, attempt, err }, 'generation failed: none of its runs finished')
    return run.fail('GAVE_UP')
  }
}
