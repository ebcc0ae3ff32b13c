import type { Log } from '#logging/log.ts'
import { GenerationFailure } from './failures.ts'
import type { GenerationFeed } from './feed.ts'
import { JobRun, type JobRunParts, SupersededError } from './job-run.ts'
import type { ModelBudget } from './model-budget.ts'
import { writeCourse } from './pipeline.ts'
import type { ModelProvider } from './provider.ts'
import { ModelError } from './provider.ts'
import type { QueuedRun } from './queue.ts'

/** After so many runs, whatever ended them, a crash too, a generation has failed. */
const MAX_ATTEMPTS = 10

export interface WorkerOptions extends JobRunParts {
  readonly feed: GenerationFeed
  readonly provider: ModelProvider
  /** What its questions are counted in. */
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

/** Runs generations. A run that rejects is to be run again; every other end is written down. */
export class GenerationWorker {
  readonly #options: WorkerOptions
  readonly #runs = new Set<JobRun>()
  #stopping = false

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** How many it runs now. */
  get running(): number {
    return this.#runs.size
  }

  async run({ id, attempt, tries, signal }: QueuedRun): Promise<void> {
    const { log } = this.#options
    const run = new JobRun(id, attempt, this.#options)
    if (this.#stopping) throw new StoppingError('this worker is about to stop')
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

  /** Asks for no more chapters; those that are under way are still written down, and the rest is left to other workers. */
  stop(): void {
    this.#stopping = true
    for (const run of this.#runs) run.stop(new StoppingError('this worker stops: another one goes on'))
  }

  async #generate(run: JobRun, tries: number, signal: AbortSignal): Promise<void> {
    const { provider, concurrency, feed, budget } = this.#options
    const brief = await run.begin()
    if (tries >= MAX_ATTEMPTS) throw new ExhaustedError(`${MAX_ATTEMPTS} runs did not finish it`)
    const over = new AbortController()
    const watching = new AbortController()
    // A cancellation breaks off the question that is under way; without this it would only prevent the next one.
    const watch = async () => {
      for await (const { generation } of feed.follow(run.id, null, watching.signal)) {
        if (generation.status !== 'running') over.abort(new SupersededError(`the generation is ${generation.status}`))
      }
      const isDeleted = !watching.signal.aborted && !this.#stopping
      if (isDeleted) over.abort(new SupersededError('the generation was deleted'))
    }
    const watched = watch()
    try {
      const signals = AbortSignal.any([signal, over.signal])
      const waits = AbortSignal.any([signals, run.stopped])
      const admit = async () => {
        let hasWaited = false
        await budget.spend(async () => {
          hasWaited = true
          await run.wait()
        }, waits)
        if (hasWaited) await run.goOn()
      }
      const course = await writeCourse(brief, provider, run, { concurrency, signal: signals, admit })
      watching.abort()
      await run.complete(course)
    } catch (error) {
      throw over.signal.aborted ? over.signal.reason : error
    } finally {
      watching.abort()
      await watched
    }
  }

  /** Writes down how a run ended; rejects where it is to be run again. */
  async #settle(run: JobRun, tries: number, signal: AbortSignal, err: unknown): Promise<void> {
    const { log } = this.#options
    const { id, attempt } = run
    if (err instanceof SupersededError) return log.info({ generation: id, reason: err.message }, 'generation left')
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
      log.info({ generation: id }, 'generation given back: this worker stops')
      throw err
    }
    if (signal.aborted) {
      log.warn({ generation: id, attempt }, 'generation lost: this worker was held for dead, another one has it')
      throw err
    }
    if (!(err instanceof ExhaustedError) && tries + 1 < MAX_ATTEMPTS) {
      log.error({ generation: id, attempt, err }, 'generation interrupted: it is run again')
      throw err
    }
    log.error({ generation: id, attempt, err }, 'generation failed: no run of it came to an end')
    return run.fail('GAVE_UP')
  }
}
