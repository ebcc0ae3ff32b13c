import { createHash, randomBytes } from 'node:crypto'
import { LETTER_LOCKS } from '#database/advisory-locks.ts'
import type { Database, Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import type { Language } from './language.ts'

export type LetterKind = 'password_reset' | 'email_verification' | 'email_change' | 'email_change_notice'
/** Those with a token, and how long it is good, in ms. */
const lifetimes: Partial<Record<LetterKind, number>> = {
  password_reset: 3_600_000,
  email_verification: 86_400_000,
  email_change: 86_400_000
}

/** Letters to one address, and for one account, in an hour and in a day. */
const MAX_HOUR = 5
const MAX_DAY = 15
/** Letters of everybody that wait. */
const MAX_WAITING = 1000
/** For so long nobody else takes a letter that somebody has taken: longer than it takes to send one. */
const LEASE_MS = 120_000
const KEPT_MS = 2 * 86_400_000
const TOKEN_BYTES = 32

export interface LetterOrder {
  readonly kind: LetterKind
  readonly email: string
  /** Null: of whoever has this address when the letter is sent. */
  readonly userId: number | null
  readonly language: Language
}

/** A letter that is to be sent now. */
export interface DueLetter {
  readonly id: number
  readonly kind: LetterKind
  readonly user_id: number | null
  readonly email: string
  readonly language: Language
  readonly attempts: number
}

/** What a token that came back is good for. */
export interface Proof {
  readonly userId: number
  readonly email: string
  readonly kind: LetterKind
}

/**
 * Letters that wait, and the tokens of those that were sent, in the database: a restart loses none. A token is made when its letter is sent, and
 * only its digest is kept. A newer letter of a kind voids the older ones.
 */
export class Letters {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** True where the letter will be sent, false where its address or account has got as many as it may. Throws 503 while too many wait. */
  async order(tx: Transaction, { kind, email, userId, language }: LetterOrder): Promise<boolean> {
    await tx.$executeRaw`select pg_advisory_xact_lock(${LETTER_LOCKS}::int, hashtext(${email}))`
    const [counted] = await tx.$queryRaw<[{ hour: number; day: number; waiting: number }]>`
      select count(*) filter (where created_at > now() - interval '1 hour')::int as hour, count(*)::int as day,
        (select count(*) from (select from letter where due_at is not null limit ${MAX_WAITING}) as filled)::int as waiting
      from letter where (email = ${email} or user_id = ${userId}::int) and created_at > now() - interval '1 day'`
    if (counted.waiting >= MAX_WAITING) {
      throw new ApiError(503, 'MAIL_QUEUE_FULL', 'too many letters wait to be sent: try again', { 'Retry-After': '60' })
    }
    // A notice is a warning: whoever could use up the letters of an account could hide what he does to it.
    if (kind !== 'email_change_notice' && (counted.hour >= MAX_HOUR || counted.day >= MAX_DAY)) return false
    await tx.$executeRaw`
      update letter set digest = null, due_at = null where kind = ${kind} and kind <> 'email_change_notice'
        and (user_id = ${userId}::int or (${userId}::int is null and email = ${email})) and (digest is not null or due_at is not null)`
    await tx.letter.create({ data: { kind, email, userId, language }, select: { id: true } })
    return true
  }

  /** The letter that has waited longest, for this process to send; null where none is due. */
  async take(): Promise<DueLetter | null> {
    const [letter] = await this.#database.client.$queryRaw<DueLetter[]>`
      update letter set attempts = attempts + 1, due_at = now() + ${LEASE_MS} * interval '1 millisecond'
      where id = (select id from letter where due_at <= now() order by due_at, id limit 1 for update skip locked)
      returning id, kind, user_id, email, language, attempts`
    return letter ?? null
  }

  /**
   * The token to send with a letter, null where it has none. Undefined where it is not to be sent any more: nobody has the address, or
   * a newer letter was ordered.
   */
  async prepare({ id, kind, email, user_id }: DueLetter): Promise<string | null | undefined> {
    const { client } = this.#database
    const userId = user_id ?? (await client.user.findUnique({ where: { email }, select: { id: true } }))?.id
    if (userId === undefined) return undefined
    const lifetimeMs = lifetimes[kind]
    const token = lifetimeMs === undefined ? null : randomBytes(TOKEN_BYTES).toString('base64url')
    const sealed =
      token === null ? {} : { digest: digestOf(token), expiresAt: new Date(Date.now() + (lifetimeMs ?? 0)) }
    const { count } = await client.letter.updateMany({
      where: { id, dueAt: { not: null } },
      data: { userId, ...sealed }
    })
    return count === 0 ? undefined : token
  }

  /** It was sent, or never will be. */
  async settle(id: number): Promise<void> {
    await this.#database.client.letter.updateMany({ where: { id }, data: { dueAt: null } })
  }

  /** It is to be sent again, unless a newer one was ordered meanwhile. */
  async postpone(id: number, delayMs: number): Promise<void> {
    const dueAt = new Date(Date.now() + delayMs)
    await this.#database.client.letter.updateMany({ where: { id, dueAt: { not: null } }, data: { dueAt } })
  }

  /** Forgets what nobody needs any more: no token in it is good, and no limit counts it. */
  async sweep(): Promise<void> {
    await this.#database.client.letter.deleteMany({ where: { createdAt: { lt: new Date(Date.now() - KEPT_MS) } } })
  }

  /** What the token is good for. Throws 400 where it is wrong, was used, has expired, or a newer letter was sent. */
  async find(token: string, kinds: readonly LetterKind[]): Promise<Proof> {
    const found = await this.#database.client.letter.findFirst({
      where: { digest: digestOf(token), kind: { in: [...kinds] }, expiresAt: { gt: new Date() } },
      select: { userId: true, email: true, kind: true }
    })
    const kind = kinds.find((kind) => kind === found?.kind)
    if (found === null || found.userId === null || kind === undefined) throw badToken()
    return { userId: found.userId, email: found.email, kind }
  }

  /** Uses the token up: of two that come at once, one succeeds. Throws as `find` does. */
  async spend(tx: Transaction, token: string): Promise<void> {
    const { count } = await tx.letter.updateMany({
      where: { digest: digestOf(token), expiresAt: { gt: new Date() } },
      data: { digest: null }
    })
    if (count === 0) throw badToken()
  }
}

/** 400: it is not said what is wrong with the token. */
export function badToken(): ApiError {
  return new ApiError(400, 'BAD_LETTER_TOKEN', 'token is wrong, has expired or was used: ask for a new letter')
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
