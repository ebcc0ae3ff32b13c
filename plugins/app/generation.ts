import fp from 'fastify-plugin'
import { Quotas } from '#courses/quota.ts'
import { Admission } from '#generation/admission.ts'
import { CachedProvider } from '#generation/cached-provider.ts'
import { ChapterRewrites } from '#generation/chapter-rewrites.ts'
import { createProvider } from '#generation/create-provider.ts'
import { GenerationFeed } from '#generation/feed.ts'
import { GenerationCache } from '#generation/generation-cache.ts'
import { Generations } from '#generation/generations.ts'
import { LostEntries } from '#generation/lost-entries.ts'
import { ModelMeter } from '#generation/model/meter.ts'
import { ModelBudget } from '#generation/model-budget.ts'
import { GenerationQueue } from '#generation/queue.ts'
import { GenerationRecords } from '#generation/records.ts'
import { GenerationWorker } from '#generation/worker.ts'
import type { GenerationRuns } from '#observability/shapes.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly generations: Generations
    readonly chapterRewrites: ChapterRewrites
    readonly generationFeed: GenerationFeed
    readonly generationQueue: GenerationQueue
    readonly modelMeter: ModelMeter
    /** How many generations this process runs now and at most; null if it is not a worker. */
    generationRuns(): GenerationRuns | null
  }
}

/** The channel on which the trigger on `generation_job` announces changes. */
const CHANNEL = 'generation'
/** How many generations one process runs at a time. */
const JOBS_AT_ONCE = { first: 4, again: 2 }
/** How long a stopping worker waits for chapters under way, in ms: less than the grace period of the process. */
const GRACE_MS = 8000

/** Generations: the operations of users, the followers, and, if this process is a worker, running them. */
export default fp(
  async (app) => {
    const { coherentCache: cache, config, database, log } = app
    const works = config.generation.worker === 'inline'
    const meter = new ModelMeter()
    app.decorate('modelMeter', meter)
    const provider = new CachedProvider(await createProvider(config.llm, { log, meter }), cache)
    const records = new GenerationRecords(database.client, new GenerationCache(cache))
    const feed = new GenerationFeed({ read: (id) => records.current(id), log })
    const queue = await GenerationQueue.open(database, { works, migrate: config.migrate === 'start' }, log)
    const limit = config.rateLimit.generation
    // The template provider costs nothing.
    const limits = config.llm.provider === 'template' ? { hour: 0, day: 0 } : config.modelBudget
    const budget = new ModelBudget(database.client, limits, log)
    const quotas = new Quotas(config)
    const queueLimits = config.generationQueue
    const admission = new Admission({ limit, queueLimits, budget, quotas })
    app.decorate('generations', new Generations({ database, records, queue, provider, admission }))
    app.decorate('chapterRewrites', new ChapterRewrites({ database, records, queue, provider, admission }))
    if (config.llm.provider !== 'template' && limits.hour === 0 && limits.day === 0)
      log.warn(
        'the number of questions to the model is unlimited: set LLM_BUDGET_HOUR and LLM_BUDGET_DAY to bound the cost'
      )
    app.decorate('generationFeed', feed)
    app.decorate('generationQueue', queue)
    const unlisten = await database.listen(CHANNEL, (id) => feed.changed(id))

    const { concurrency } = config.generation
    const worker = new GenerationWorker({ database, records, quotas, feed, provider, budget, concurrency, log })
    const runsAtOnce = JOBS_AT_ONCE.first + JOBS_AT_ONCE.again
    app.decorate('generationRuns', () => (works ? { running: worker.running, concurrency: runsAtOnce } : null))
    const lostEntries = new LostEntries({ database, queue, log })
    app.addHook('onReady', async () => {
      if (!works) return
      await queue.work(JOBS_AT_ONCE, (run) => worker.run(run))
      lostEntries.start()
    })
    // Before the server waits for its connections, which event streams would keep open.
    app.addHook('preClose', async () => {
      feed.close()
      worker.stop()
    })
    app.addHook('onClose', async () => {
      await Promise.all([lostEntries.stop(), queue.close(GRACE_MS)])
      await unlisten()
    })
  },
  { name: 'generation', dependencies: ['cache', 'database'] }
)
