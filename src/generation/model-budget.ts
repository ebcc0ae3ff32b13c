import { setTimeout as sleep } from 'node:timers/promises'
import type { PrismaClient } from '#database/generated/client.ts'
import { ApiError } from '#http/errors.ts'
import type { Log } from '#logging/log.ts'

/** Questions to the model, of all processes together; 0 is off. Hours and days are those of UTC. */
export interface BudgetLimits {
  readonly hour: number
  readonly day: number
}

/** How often a question that waits is tried again, in ms. */
const POLL_MS = 2000
const HOUR_MS = 3_600_000
/** Of any number, for PostgreSQL. */
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
 * The budget of questions to the model. It is kept in the database, one row an hour, and spent by one statement: exact over all
 * processes, whatever happens to Redis.
 */
export class ModelBudget {
  readonly #client: Queries
  readonly #limits: BudgetLimits
  readonly #log: Log
  /** The hour in which the log has last said that the budget is spent. */
  #hourTold = -1

  constructor(client: Queries, limits: BudgetLimits, log: Log) {
    this.#client = client
    this.#limits = limits
    this.#log = log
  }

  get #isOff(): boolean {
    return this.#limits.hour === 0 && this.#limits.day === 0
  }

  /** Throws 503 while no question may be asked, which the log says, too; it looks in the transaction `tx`. */
  async requireSome(tx: Queries): Promise<void> {
    if (this.#isOff) return
    const { hour, day } = this.#limits
    const { in_hour, in_day, hour_s, day_s } = await readState(tx)
    const isDaySpent = day > 0 && in_day >= day
    if (!isDaySpent && (hour === 0 || in_hour < hour)) return
    this.#tellOnce()
    const retryAfterS = Math.max(1, Math.ceil(isDaySpent ? day_s : hour_s))
    throw new ApiError(
      503,
      'MODEL_BUDGET_SPENT',
      `the budget of questions to the model is spent for this ${isDaySpent ? 'day' : 'hour'}: Retry-After says when it goes on`,
      { 'Retry-After': String(retryAfterS) }
    )
  }

  /**
   * Resolves once a question may be asked, which is counted then. While it has to wait it calls `onWait`, time and again.
   * Throws what `onWait` throws, and when `signal` aborts.
   */
  async spend(onWait: () => Promise<void>, signal: AbortSignal): Promise<void> {
    if (this.#isOff) return
    while (!(await this.#spendOne())) {
      this.#tellOnce()
      await onWait()
      await sleep(POLL_MS, null, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }

  async #spendOne(): Promise<boolean> {
    const hour = this.#limits.hour || UNLIMITED
    const day = this.#limits.day || UNLIMITED
    // The row of the hour is locked by the update: of two at once, the second sees what the first has spent.
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

  /** One line an hour, not one for each question. */
  #tellOnce(): void {
    const hour = Math.floor(Date.now() / HOUR_MS)
    if (hour === this.#hourTold) return
    this.#hourTold = hour
    this.#log.warn(
      this.#limits,
      'the budget of questions to the model is spent: new generations are refused, and those that have begun wait, until the ' +
        'next hour or day; raise LLM_BUDGET_HOUR or LLM_BUDGET_DAY where that is too long'
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
