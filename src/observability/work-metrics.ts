import { Counter, Gauge, type Registry } from 'prom-client'
import type { Outbox } from '#database/outbox.ts'
import type { Sweeper } from '#database/sweeper.ts'
import type { Generations } from '#generation/generations.ts'

export interface Work {
  readonly outbox: Outbox
  readonly sweeper: Sweeper
  readonly generations: Generations
}

/** What is left to do, as metrics. While the database does not answer they are missing, and the others are still told. */
export function registerWorkMetrics(registers: Registry[], { outbox, sweeper, generations }: Work): void {
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
}
