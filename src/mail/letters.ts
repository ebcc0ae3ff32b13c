import { createHash, randomBytes } from 'node:crypto'
import { LETTER_LOCKS } from '#database/advisory-locks.ts'
import type { Database, Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import { storedForms } from './address.ts'
import type { Language } from './language.ts'

export type LetterKind = 'password_reset' | 'email_verification' | 'email_change' | 'email_change_notice'
/** The kinds with a token, and how long the token is valid, in ms. */
const lifetimes: Partial<Record<LetterKind, number>> = {
  password_reset: 3_600_000,
  email_verification: 86_400_000,
  email_change: 86_400_000
}

/** Letters of one kind per hour and day, for one account; for `email_change`, also to one address. */
const MAX_HOUR = 5
const MAX_DAY = 15
/** A password reset above the limit is still sent, unless an earlier token remains valid for at least this long. */
const STILL_VALID_MS = 1_800_000
/** Waiting letters of all accounts. */
const MAX_WAITING = 1000
/** The lease of a letter that a process is sending: longer than sending takes. */
const LEASE_MS = 120_000
const KEPT_MS = 2 * 86_400_000
const TOKEN_BYTES = 32

export interface LetterOrder {
  readonly kind: LetterKind
  readonly email: string
  /** Null: for the account that has this address when the letter is sent. */
  readonly userId: number | null
  readonly language: Language
}

/** A letter to be sent now. */
export interface DueLetter {
  readonly id: number
  readonly kind: LetterKind
  readonly user_id: number | null
  readonly email: string
  readonly language: Language
  readonly attempts: number
}

/** What a valid token proves. */
export interface Proof {
  readonly userId: number
  readonly email: string
  readonly kind: LetterKind
}

/**
 * Waiting letters, and the tokens of sent ones, in the database, so that a restart loses none. A token is created when
 * its letter is sent, and only its digest is stored. A newer letter of a kind invalidates the older ones, except for
 * password resets, which strangers can order.
 */
export class Letters {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Resolves to false if the account or address has reached its limit for this kind of letter, else to true. Throws 503
   * while too many letters wait. A letter without `userId` is counted only when it is sent, so that here all addresses
   * are treated alike.
   */
  async order(tx: Transaction, { kind, email, userId, language }: LetterOrder): Promise<boolean> {
    const [{ waiting }] = await tx.$queryRaw<[{ waiting: number }]>`
      select count(*)::int as waiting from (select from letter where due_at is not null limit ${MAX_WAITING}) as filled`
    if (waiting >= MAX_WAITING) {
      throw new ApiError(503, 'MAIL_QUEUE_FULL', 'too many letters are waiting to be sent: try again', {
        'Retry-After': '60'
      })
    }
    // A notice is a security warning: it has no limit, or an attacker could suppress it by using the limit up.
    if (userId !== null && kind !== 'email_change_notice') {
      if (!(await this.#isWithinLimits(tx, { kind, email, userId }))) return false
      await tx.$executeRaw`
        update letter set digest = null, due_at = null
        where kind = ${kind} and user_id = ${userId} and (digest is not null or due_at is not null)`
    }
    await tx.letter.create({ data: { kind, email, userId, language }, select: { id: true } })
    return true
  }

  /** Leases the letter that has waited longest to this process; null if none is due. */
  async take(): Promise<DueLetter | null> {
    const [letter] = await this.#database.client.$queryRaw<DueLetter[]>`
      update letter set attempts = attempts + 1, due_at = now() + ${LEASE_MS} * interval '1 millisecond'
      where id = (select id from letter where due_at <= now() order by due_at, id limit 1 for update skip locked)
      returning id, kind, user_id, email, language, attempts`
    return letter ?? null
  }

  /**
   * Creates the token for a letter; null for a kind without a token. Undefined if the letter must not be sent: nobody
   * has the address, its account has reached the limit, or a newer letter was ordered.
   */
  async prepare({ id, kind, email, user_id }: DueLetter): Promise<string | null | undefined> {
    const userId = user_id ?? (await this.#assign({ id, kind, email }))
    if (userId === null) return undefined
    const lifetimeMs = lifetimes[kind]
    const token = lifetimeMs === undefined ? null : randomBytes(TOKEN_BYTES).toString('base64url')
    const sealed =
      token === null ? {} : { digest: digestOf(token), expiresAt: new Date(Date.now() + (lifetimeMs ?? 0)) }
    const { count } = await this.#database.client.letter.updateMany({
      where: { id, dueAt: { not: null } },
      data: { userId, ...sealed }
    })
    return count === 0 ? undefined : token
  }

  /** The letter was sent, or a newer one was ordered. */
  async settle(id: number): Promise<void> {
    await this.#database.client.letter.updateMany({ where: { id }, data: { dueAt: null } })
  }

  /** The letter will never be sent, so its token is deleted as well. */
  async giveUp(id: number): Promise<void> {
    await this.#database.client.letter.updateMany({ where: { id }, data: { dueAt: null, digest: null } })
  }

  /** Schedules another attempt, unless a newer letter was ordered meanwhile. */
  async postpone(id: number, delayMs: number): Promise<void> {
    const dueAt = new Date(Date.now() + delayMs)
    await this.#database.client.letter.updateMany({ where: { id, dueAt: { not: null } }, data: { dueAt } })
  }

  /** Deletes old letters: their tokens have expired, and no limit counts them. */
  async sweep(): Promise<void> {
    await this.#database.client.letter.deleteMany({ where: { createdAt: { lt: new Date(Date.now() - KEPT_MS) } } })
  }

  /** What the token proves. Throws 400 if it is wrong, used or expired, or a newer letter was sent. */
  async find(token: string, kinds: readonly LetterKind[]): Promise<Proof> {
    const found = await this.#database.client.letter.findFirst({
      where: { digest: digestOf(token), kind: { in: [...kinds] }, expiresAt: { gt: new Date() } },
      select: { userId: true, email: true, kind: true }
    })
    const kind = kinds.find((kind) => kind === found?.kind)
    if (found === null || found.userId === null || kind === undefined) throw badToken()
    return { userId: found.userId, email: found.email, kind }
  }

  /** Uses the token up: of two concurrent calls, one succeeds. Throws as `find` does. */
  async spend(tx: Transaction, token: string): Promise<void> {
    const { count } = await tx.letter.updateMany({
      where: { digest: digestOf(token), expiresAt: { gt: new Date() } },
      data: { digest: null }
    })
    if (count === 0) throw badToken()
  }

  /**
   * Assigns a letter without `userId` to the account with its address, where it counts from now on. If nobody has the
   * address, or the account has reached its limit, the letter is deleted and the result is null: a stranger can use the
   * limit up, but then the owner already has a valid token in the mailbox.
   */
  async #assign({ id, kind, email }: Pick<DueLetter, 'id' | 'kind' | 'email'>): Promise<number | null> {
    return this.#database.write(async (tx) => {
      const user = await tx.user.findFirst({
        where: { email: { in: storedForms(email) } },
        select: { id: true, email: true }
      })
      if (user !== null) {
        const about = { kind, email, userId: user.id }
        if ((await this.#isWithinLimits(tx, about)) || !(await hasValidToken(tx, about))) {
          await tx.letter.updateMany({ where: { id }, data: { userId: user.id, email: user.email } })
          return user.id
        }
      }
      await tx.letter.deleteMany({ where: { id } })
      return null
    })
  }

  async #isWithinLimits(tx: Transaction, { kind, email, userId }: Addressed): Promise<boolean> {
    // A new address may be a stranger's, to whom many accounts could send letters, so it has its own limit.
    const locks = kind === 'email_change' ? [`user ${userId}`, `address ${email}`] : [`user ${userId}`]
    for (const who of locks) {
      await tx.$executeRaw`select pg_advisory_xact_lock(${LETTER_LOCKS}::int, hashtext(${`${kind} ${who}`}))`
    }
    const [counted] = await tx.$queryRaw<[{ hour: number; day: number }]>`
      select count(*) filter (where created_at > now() - interval '1 hour')::int as hour, count(*)::int as day from letter
      where kind = ${kind} and (user_id = ${userId} or (kind = 'email_change' and email = ${email}))
        and created_at > now() - interval '1 day'`
    return counted.hour < MAX_HOUR && counted.day < MAX_DAY
  }
}

type Addressed = { kind: LetterKind; email: string; userId: number }

/** Also true if a token is about to be sent. */
async function hasValidToken(tx: Transaction, { kind, userId }: Addressed): Promise<boolean> {
  const sent = { digest: { not: null }, expiresAt: { gt: new Date(Date.now() + STILL_VALID_MS) } }
  return (await tx.letter.count({ where: { kind, userId, OR: [sent, { dueAt: { not: null } }] } })) > 0
}

/** 400: the message does not reveal what is wrong with the token. */
export function badToken(): ApiError {
  return new ApiError(400, 'BAD_LETTER_TOKEN', 'token is wrong, has expired or was already used: request a new letter')
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
