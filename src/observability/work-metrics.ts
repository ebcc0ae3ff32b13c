import { Counter, Gauge, type Registry } from 'prom-client'
import type { Outbox } from '#database/outbox.ts'
import type { Sweeper } from '#database/sweeper.ts'
import type { Generations } from '#generation/generations.ts'
import type { ModelMeter } from '#generation/model/meter.ts'

export interface Work {
  readonly outbox: Outbox
  readonly sweeper: Sweeper
  readonly generations: Generations
  readonly model: ModelMeter
}

/** What is left to do, as metrics. While the database does not answer they are missing, and the others are still told. */
export function registerWorkMetrics(registers: Registry[], { outbox, sweeper, generations, model }: Work): void {
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
  asked('outbox_depth', 'Committed invalidations that Redis does not know of yet', () => outbox.depth())
  asked('sweeper_lag_seconds', 'Age of the oldest of them', async () => (await outbox.lagMs()) / 1000)
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
    help: 'Requests that this process sent to the model, those that failed too',
    registers,
    collect() {
      this.reset()
      this.inc(model.questions)
    }
  })
  new Counter({
    name: 'aikademiya_model_tokens_total',
    help: 'Tokens of the questions to the model and of its answers, as far as it tells',
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
    help: 'Questions to the model that came to nothing, by why',
    labelNames: ['failure'],
    registers,
    collect() {
      this.reset()
      for (const [failure, count] of model.failures) this.inc({ failure }, count)
    }
  })
}
