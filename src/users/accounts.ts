import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { Bulkhead } from '#database/bulkhead.ts'
import { MOST_COUNTED } from '#database/counts.ts'
import type { Database, Transaction } from '#database/database.ts'
import { Prisma, type PrismaClient } from '#database/generated/client.ts'
import { escapeLike } from '#database/like.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { type Page, toPage } from '#http/paging.ts'
import { type Precondition, requireMatch } from '#http/precondition.ts'
import { newAddress, storedForms } from '#mail/address.ts'
import { firstEpoch } from './first-epoch.ts'
import type {
  Account,
  AccountWithSessions,
  Credentials,
  OwnUser,
  PasswordChange,
  ProfileChange,
  Registration,
  User,
  UserQuery
} from './shapes.ts'

export type { Account }

/**
 * Passwords are hashed on Node's four threads, which files, DNS lookups and compression need as well: on at most two of
 * them, and on fewer than there are processors, so that one is left for everything else.
 */
const HASHING_AT_ONCE = Math.max(1, Math.min(2, availableParallelism() - 1))
/** How many may wait, at about 10 ms each, before the next one is refused. */
const HASHING_WAITING = 100

/**
 * The account that owns the published courses of all deleted accounts. Nobody can sign in to it: its address is not a
 * valid one.
 */
export const DELETED_ACCOUNT = { email: 'deleted', name: '[deleted]' }

const select = {
  id: true,
  email: true,
  name: true,
  bio: true,
  avatarUrl: true,
  role: true,
  sessionEpoch: true,
  emailVerifiedAt: true,
  createdAt: true
} satisfies Prisma.UserSelect

/** Accounts, in the database. */
export class Accounts {
  readonly #database: Database
  readonly #client: PrismaClient
  readonly #hashing = new Bulkhead({
    limit: HASHING_AT_ONCE,
    queue: HASHING_WAITING,
    refusal: () => new ApiError(503, 'OVERLOADED', 'too many sign-ins at once: try again', { 'Retry-After': '2' })
  })
  /** Verified if the user does not exist, so that the answer takes the same time. */
  readonly #dummyHash = hash('nobody has this password')

  constructor(database: Database) {
    this.#database = database
    this.#client = database.client
  }

  /** Throws 409 when the e-mail address is taken. */
  async register({ email, password, name }: Registration): Promise<Account> {
    const address = newAddress(email)
    if ((await this.holderOf(address)) !== null) throw emailTaken()
    const passwordHash = await this.hash(password)
    const data = { email: address, name, passwordHash, sessionEpoch: firstEpoch() }
    try {
      return toAccount(await this.#client.user.create({ data, select }))
    } catch (error) {
      throw isDuplicate(error) ? emailTaken() : error
    }
  }

  /** Throws the same 401, after the same time, for a wrong password and for no such user. */
  async signIn({ email, password }: Credentials): Promise<Account> {
    const forms = storedForms(email)
    const found = await this.#client.user.findMany({
      where: { email: { in: forms } },
      select: { ...select, passwordHash: true }
    })
    const user = firstMatch(forms, found)
    const right = await this.#hashing.run(async () => {
      const dummyHash = await this.#dummyHash
      // An invalid hash, of an account without a password, takes as long as well.
      return verify(user?.passwordHash ?? dummyHash, password).catch(() =>
        verify(dummyHash, password).then(() => false)
      )
    })
    if (user === null || !right) throw new ApiError(401, 'WRONG_CREDENTIALS', 'email or password is wrong')
    return toAccount(user)
  }

  /**
   * Also ends all sessions of the user. Throws 403 if `current` is not the password, 401 if the account has been
   * deleted or its sessions have ended since the request began.
   */
  async changePassword({ id, sessionEpoch }: Account, { current, next }: PasswordChange): Promise<Account> {
    const passwordHash = await this.requirePassword(id, current, 'current')
    const data = { passwordHash: await this.hash(next), sessionEpoch: { increment: 1 } }
    // Replaces only the hash that was verified: of two concurrent changes, the second one used an old password.
    const where = { id, passwordHash, sessionEpoch }
    const [changed] = await this.#client.user.updateManyAndReturn({ where, data, select })
    if (changed !== undefined) return toAccount(changed)
    if ((await this.own(id)).sessionEpoch !== sessionEpoch) throw sessionEnded()
    throw wrongPassword('current')
  }

  /** Resolves to the stored hash. Throws 403 if this is not the password of the account; the message names `field`. */
  async requirePassword(id: number, password: string, field = 'password'): Promise<string> {
    const user = await this.#client.user.findUnique({ where: { id }, select: { passwordHash: true } })
    if (user === null) throw accountGone()
    const { passwordHash } = user
    if (await this.#hashing.run(() => verify(passwordHash, password).catch(() => false))) return passwordHash
    throw wrongPassword(field)
  }

  hash(password: string): Promise<string> {
    return this.#hashing.run(() => hash(password))
  }

  async endSessions(id: number): Promise<void> {
    await this.#client.user.updateMany({ where: { id }, data: { sessionEpoch: { increment: 1 } } })
  }

  /** Throws `NotFoundError`. */
  async account(id: number): Promise<Account> {
    const user = await this.#client.user.findUnique({ where: { id }, select })
    if (user === null) throw new NotFoundError('user')
    return toAccount(user)
  }

  /** Throws `NotFoundError`. */
  async accountWithSessions(id: number): Promise<AccountWithSessions> {
    const sessions = { select: { id: true, epoch: true } }
    const user = await this.#client.user.findUnique({ where: { id }, select: { ...select, sessions } })
    if (user === null) throw new NotFoundError('user')
    const current = user.sessions.filter(({ epoch }) => epoch === user.sessionEpoch)
    const { sessions: _, ...row } = user
    return { ...toAccount(row), sessions: current.map(({ id }) => id) }
  }

  /** The account with this address, as far as `KnownBrowsers` needs it; null if there is none. */
  async holderOf(email: string): Promise<Pick<Account, 'email' | 'sessionEpoch'> | null> {
    const forms = storedForms(email)
    const select = { email: true, sessionEpoch: true }
    return firstMatch(forms, await this.#client.user.findMany({ where: { email: { in: forms } }, select }))
  }

  /** The account of the session. Throws 401 if it has been deleted meanwhile. */
  async own(id: number): Promise<Account> {
    return this.account(id).catch((error) => {
      throw error instanceof NotFoundError ? accountGone() : error
    })
  }

  /** Throws 401 if the account has been deleted meanwhile, 412 if it has been changed. */
  async changeProfile(id: number, data: ProfileChange, precondition: Precondition<OwnUser>): Promise<void> {
    await this.#database.write(async (tx) => {
      await lockAccountForChange(tx, id)
      const current = async () => toOwnUser(toAccount(await tx.user.findUniqueOrThrow({ where: { id }, select })))
      await requireMatch(precondition, current)
      await tx.user.update({ where: { id }, data, select: { id: true } })
    })
  }

  /** Throws `NotFoundError`. */
  async changeRole(id: number, role: OwnUser['role']): Promise<void> {
    const where = { id, email: { not: DELETED_ACCOUNT.email } }
    const { count } = await this.#client.user.updateMany({ where, data: { role } })
    if (count === 0) throw new NotFoundError('user')
  }

  /** `signal` cancels the query. */
  async list(query: UserQuery, signal?: AbortSignal): Promise<Page<OwnUser>> {
    const where: Prisma.UserWhereInput = { role: query.role, email: { not: DELETED_ACCOUNT.email } }
    if (query.search !== undefined) {
      const part = { contains: escapeLike(query.search), mode: 'insensitive' } as const
      where.OR = [{ name: part }, { email: part }]
    }
    const { rows, total } = await this.#database.read(
      'lists',
      async (tx) => ({
        rows: await tx.user.findMany({
          where,
          select,
          orderBy: { id: 'asc' },
          skip: (query.page - 1) * query.limit,
          take: query.limit
        }),
        total: await tx.user.count({ where, take: MOST_COUNTED })
      }),
      signal
    )
    return toPage(
      rows.map((row) => toOwnUser(toAccount(row))),
      total,
      query
    )
  }
}

/**
 * Prevents the deletion of the account until the transaction ends; throws 401 if it has been deleted since the request
 * began. Call it before taking any other lock: deleting a user locks the user's row first, too.
 */
export async function lockAccount(tx: Transaction, id: number): Promise<void> {
  const [user] = await tx.$queryRaw<{ id: number }[]>`select id from app_user where id = ${id} for key share`
  if (user === undefined) throw accountGone()
}

/** The same, but exclusive: waits for other transactions that change the account. */
export async function lockAccountForChange(tx: Transaction, id: number): Promise<void> {
  const [user] = await tx.$queryRaw<{ id: number }[]>`select id from app_user where id = ${id} for no key update`
  if (user === undefined) throw accountGone()
}

function wrongPassword(field: string): ApiError {
  return new ApiError(403, 'WRONG_PASSWORD', `${field} is not your password`)
}

/** The session has ended since the request began. */
export function sessionEnded(): ApiError {
  return new ApiError(401, 'NOT_SIGNED_IN', 'sign in again: the session has ended')
}

/** The account has been deleted since the request began. */
export function accountGone(): ApiError {
  return new ApiError(401, 'NOT_SIGNED_IN', 'sign in again: the account was deleted')
}

export function toOwnUser({ id, email, emailVerified, name, bio, avatarUrl, role, createdAt }: Account): OwnUser {
  return { id, email, emailVerified, name, bio, avatarUrl, role, createdAt }
}

export function toPublicUser({ id, name, bio, avatarUrl, createdAt }: Account): User {
  return { id, name, bio, avatarUrl, createdAt }
}

function toAccount(row: Prisma.UserGetPayload<{ select: typeof select }>): Account {
  const { createdAt, emailVerifiedAt, ...rest } = row
  return { ...rest, emailVerified: emailVerifiedAt !== null, createdAt: createdAt.toISOString() }
}

function firstMatch<Row extends { email: string }>(forms: readonly string[], rows: readonly Row[]): Row | null {
  return forms.map((form) => rows.find(({ email }) => email === form)).find((row) => row !== undefined) ?? null
}

/** The address belongs to another account. */
export function emailTaken(): ApiError {
  return new ApiError(409, 'EMAIL_TAKEN', 'email is taken by another account')
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002'
}
