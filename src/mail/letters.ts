import { createHash, randomBytes } from 'node:crypto'
import { LETTER_LOCKS } from '#database/advisory-locks.ts'
import type { Database, Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import { storedForms } from './address.ts'
import type { Language } from './language.ts'

export type LetterKind = 'password_reset' | 'email_verification' | 'email_change' | 'email_change_notice'
/** Those with a token, and how long it is good, in ms. */
const lifetimes: Partial<Record<LetterKind, number>> = {
  password_reset: 3_600_000,
  email_verification: 86_400_000,
  email_change: 86_400_000
}

/** Letters of one kind, for one account, and of those that change an address to one address, in an hour and in a day. */
const MAX_HOUR = 5
const MAX_DAY = 15
/** Beyond that a new password is still sent for while no token that was sent is good for so long. */
const GOOD_MS = 1_800_000
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
 * only its digest is kept. A newer letter of a kind voids the older ones, but for those that strangers can order: a new password.
 */
export class Letters {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * True where the letter will be sent, false where its account or address has got as many of the kind as it may. Throws 503 while too many wait.
   * One to whoever has an address is counted when it is sent: here all addresses are the same.
   */
  async order(tx: Transaction, { kind, email, userId, language }: LetterOrder): Promise<boolean> {
    const [{ waiting }] = await tx.$queryRaw<[{ waiting: number }]>`
      select count(*)::int as waiting from (select from letter where due_at is not null limit ${MAX_WAITING}) as filled`
    if (waiting >= MAX_WAITING) {
      throw new ApiError(503, 'MAIL_QUEUE_FULL', 'too many letters wait to be sent: try again', { 'Retry-After': '60' })
    }
    // A notice is a warning: whoever could use up the letters of an account could hide what he does to it.
    if (userId !== null && kind !== 'email_change_notice') {
      if (!(await this.#isWithinLimits(tx, { kind, email, userId }))) return false
      await tx.$executeRaw`
        update letter set digest = null, due_at = null
        where kind = ${kind} and user_id = ${userId} and (digest is not null or due_at is not null)`
    }
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
   * The token to send with a letter, null where it has none. Undefined where it is not to be sent: nobody has the address, its account has
   * got enough, or a newer letter was ordered.
   */
  async prepare({ id, kind, email, user_id }: DueLetter): Promise<string | null | undefined> {
    const userId = user_id ?? (await this.#address({ id, kind, email }))
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

  /** It was sent, or a newer one was ordered. */
  async settle(id: number): Promise<void> {
    await this.#database.client.letter.updateMany({ where: { id }, data: { dueAt: null } })
  }

  /** It never will be sent: no token of it is in a mailbox. */
  async giveUp(id: number): Promise<void> {
    await this.#database.client.letter.updateMany({ where: { id }, data: { dueAt: null, digest: null } })
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

  /**
   * Of a letter to whoever has an address: the account that it is for, for which it counts from now on. Null, and the letter is forgotten, where
   * nobody has the address, or the account has got enough: a stranger can use that up, but then its owner has a good token in his mailbox.
   */
  async #address({ id, kind, email }: Pick<DueLetter, 'id' | 'kind' | 'email'>): Promise<number | null> {
    return this.#database.write(async (tx) => {
      const user = await tx.user.findFirst({
        where: { email: { in: storedForms(email) } },
        select: { id: true, email: true }
      })
      if (user !== null) {
        const about = { kind, email, userId: user.id }
        if ((await this.#isWithinLimits(tx, about)) || !(await hasGoodToken(tx, about))) {
          await tx.letter.updateMany({ where: { id }, data: { userId: user.id, email: user.email } })
          return user.id
        }
      }
      await tx.letter.deleteMany({ where: { id } })
      return null
    })
  }

  async #isWithinLimits(tx: Transaction, { kind, email, userId }: Addressed): Promise<boolean> {
    // The address of an account is its own; one that it is to have may be a stranger's, to whom many accounts could send.
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

/** Or is about to be sent one. */
async function hasGoodToken(tx: Transaction, { kind, userId }: Addressed): Promise<boolean> {
  const sent = { digest: { not: null }, expiresAt: { gt: new Date(Date.now() + GOOD_MS) } }
  return (await tx.letter.count({ where: { kind, userId, OR: [sent, { dueAt: { not: null } }] } })) > 0
}

/** 400: it is not said what is wrong with the token. */
export function badToken(): ApiError {
  return new ApiError(400, 'BAD_LETTER_TOKEN', 'token is wrong, has expired or was used: ask for a new letter')
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
