import { setTimeout as sleep } from 'node:timers/promises'
import type { PrismaClient } from '#database/generated/client.ts'
import { ApiError } from '#http/errors.ts'
import type { Log } from '#logging/log.ts'

/** Limits on questions to the model by all processes together; 0 means no limit. Hours and days are in UTC. */
export interface BudgetLimits {
  readonly hour: number
  readonly day: number
}

/** How often a waiting question checks the budget, in ms. */
const POLL_MS = 2000
const HOUR_MS = 3_600_000
/** The largest `int` of PostgreSQL. */
const UNLIMITED = 2_147_483_647

type Queries = Pick<PrismaClient, '$queryRaw'>

interface State {
  readonly in_hour: number
  readonly in_day: number
  /** Seconds until the next hour and the next day. */
  readonly hour_s: number
  readonly day_s: number
}

/**
 * The budget of questions to the model. It lives in the database, one row an hour, and is spent by a single statement:
 * it is exact across processes, whatever happens to Redis.
 */
export class ModelBudget {
  readonly #client: Queries
  readonly #limits: BudgetLimits
  readonly #log: Log
  /** The hour (since the epoch) in which the spent budget was last logged. */
  #loggedHour = -1

  constructor(client: Queries, limits: BudgetLimits, log: Log) {
    this.#client = client
    this.#limits = limits
    this.#log = log
  }

  get #isOff(): boolean {
    return this.#limits.hour === 0 && this.#limits.day === 0
  }

  /** Throws 503, and logs, while the budget is spent. It reads in the transaction `tx`. */
  async requireSome(tx: Queries): Promise<void> {
    if (this.#isOff) return
    const { hour, day } = this.#limits
    const { in_hour, in_day, hour_s, day_s } = await readState(tx)
    const isDaySpent = day > 0 && in_day >= day
    if (!isDaySpent && (hour === 0 || in_hour < hour)) return
    this.#logOnceAnHour()
    const retryAfterS = Math.max(1, Math.ceil(isDaySpent ? day_s : hour_s))
    throw new ApiError(
      503,
      'MODEL_BUDGET_SPENT',
      `the budget of questions to the model is spent for this ${isDaySpent ? 'day' : 'hour'}: Retry-After says when to try again`,
      { 'Retry-After': String(retryAfterS) }
    )
  }

  /**
   * Waits until a question may be asked, and counts it. While it waits it calls `onWait` at every check.
   * Throws what `onWait` throws, and when `signal` aborts.
   */
  async spend(onWait: () => Promise<void>, signal: AbortSignal): Promise<void> {
    if (this.#isOff) return
    while (!(await this.#spendOne())) {
      this.#logOnceAnHour()
      await onWait()
      await sleep(POLL_MS, null, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }

  async #spendOne(): Promise<boolean> {
    const hour = this.#limits.hour || UNLIMITED
    const day = this.#limits.day || UNLIMITED
    // The update locks the row of the hour: of two concurrent statements, the second sees what the first has spent.
    const spent = await this.#client.$queryRaw<object[]>`
      with earlier as (
        select coalesce(sum(questions), 0)::int as questions from model_usage
        where hour >= date_trunc('day', now(), 'UTC') and hour < date_trunc('hour', now(), 'UTC')
      )
      insert into model_usage as usage (hour, questions)
      select date_trunc('hour', now(), 'UTC'), 1 from earlier where earlier.questions < ${day}::int
      on conflict (hour) do update set questions = usage.questions + 1
      where usage.questions < ${hour}::int and usage.questions + (select questions from earlier) < ${day}::int
      returning hour::text`
    return spent.length > 0
  }

  /** One line an hour instead of one for each question. */
  #logOnceAnHour(): void {
    const hour = Math.floor(Date.now() / HOUR_MS)
    if (hour === this.#loggedHour) return
    this.#loggedHour = hour
    this.#log.warn(
      this.#limits,
      'the budget of questions to the model is spent: new generations are refused, and running ones wait, until the next hour ' +
        'or day; raise LLM_BUDGET_HOUR or LLM_BUDGET_DAY if that is too long'
    )
  }
}

async function readState(queries: Queries): Promise<State> {
  const [state] = await queries.$queryRaw<[State]>`
    select coalesce(sum(questions), 0)::int as in_day,
      coalesce(sum(questions) filter (where hour >= date_trunc('hour', now(), 'UTC')), 0)::int as in_hour,
      extract(epoch from date_trunc('hour', now(), 'UTC') + interval '1 hour' - now())::float8 as hour_s,
      extract(epoch from date_trunc('day', now(), 'UTC') + interval '1 day' - now())::float8 as day_s
    from model_usage where hour >= date_trunc('day', now(), 'UTC')`
  return state
}
