import { Counter, Gauge, type Registry } from 'prom-client'
import type { Database } from '#database/database.ts'
import type { Sweeper } from '#database/sweeper.ts'
import type { Generations } from '#generation/generations.ts'
import type { ModelMeter } from '#generation/model/meter.ts'
import type { GenerationQueue } from '#generation/queue.ts'

export interface Work {
  readonly database: Pick<Database, 'outbox' | 'work'>
  readonly sweeper: Sweeper
  readonly generations: Generations
  readonly queue: GenerationQueue
  readonly model: ModelMeter
}

/** Metrics of pending work. Those from the database are missing while it does not answer; the others remain. */
export function registerWorkMetrics(registers: Registry[], work: Work): void {
  const { database, sweeper, generations, queue, model } = work
  const { outbox } = database
  const asked = (name: string, help: string, value: () => Promise<number>) =>
    new Gauge({
      name: `aikademiya_${name}`,
      help,
      registers,
      async collect() {
        this.reset()
        await value().then(
          (number) => this.set(number),
          () => this.remove()
        )
      }
    })
  asked('outbox_depth', 'Committed invalidations that have not reached Redis yet', () => outbox.depth())
  asked('sweeper_lag_seconds', 'Age of the oldest of them', async () => (await outbox.lagMs()) / 1000)
  asked('workers', 'Processes that run generations', () => queue.countWorkers())
  new Gauge({
    name: 'aikademiya_database_work',
    help: 'Operations that run, or wait for their share of the connections of this process',
    labelNames: ['kind', 'state'],
    registers,
    collect() {
      for (const [kind, { running, waiting }] of database.work()) {
        this.set({ kind, state: 'running' }, running)
        this.set({ kind, state: 'waiting' }, waiting)
      }
    }
  })
  new Counter({
    name: 'aikademiya_sweeper_applied_total',
    help: 'Invalidations of other writers that this process applied',
    registers,
    collect() {
      this.reset()
      this.inc(sweeper.state.swept)
    }
  })
  new Gauge({
    name: 'aikademiya_generations',
    help: 'Generations by status',
    labelNames: ['status'],
    registers,
    async collect() {
      this.reset()
      const counts = await generations.countByStatus().catch(() => ({}))
      for (const [status, count] of Object.entries(counts)) this.set({ status }, count)
    }
  })
  new Counter({
    name: 'aikademiya_model_questions_total',
    help: 'Requests of this process to the model, including failed ones',
    registers,
    collect() {
      this.reset()
      this.inc(model.questions)
    }
  })
  new Counter({
    name: 'aikademiya_model_tokens_total',
    help: 'Tokens of questions to the model and its answers, as far as it reports them',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset()
      this.inc({ kind: 'prompt' }, model.promptTokens)
      this.inc({ kind: 'completion' }, model.completionTokens)
    }
  })
  new Counter({
    name: 'aikademiya_model_failures_total',
    help: 'Failed questions to the model, by cause',
    labelNames: ['failure'],
    registers,
    collect() {
      this.reset()
      for (const [failure, count] of model.failures) this.inc({ failure }, count)
    }
  })
}
