import { hash, verify } from '@node-rs/argon2'
import type { Transaction } from '../db/database.ts'
import { Prisma, type PrismaClient } from '../db/generated/client.ts'
import { escapeLike } from '../db/like.ts'
import { ApiError, NotFoundError } from '../errors.ts'
import { type Page, toPage } from '../paging.ts'
import type { Credentials, OwnUser, PasswordChange, ProfileChange, Registration, User, UserQuery } from './shapes.ts'

/** Who is signed in: the own user, with the epoch that his sessions must carry. */
export interface Account extends OwnUser {
  readonly sessionEpoch: number
}

const select = {
  id: true,
  email: true,
  name: true,
  bio: true,
  avatarUrl: true,
  role: true,
  sessionEpoch: true,
  createdAt: true
} satisfies Prisma.UserSelect

/** Accounts, in the database. */
export class Accounts {
  readonly #client: PrismaClient
  /** Verified where there is no such user, so that the answer takes the same time. */
  readonly #nobody = hash('nobody has this password')

  constructor(client: PrismaClient) {
    this.#client = client
  }

  /** Throws 409 when the e-mail address is taken. */
  async register({ email, password, name }: Registration): Promise<Account> {
    const passwordHash = await hash(password)
    try {
      return toAccount(
        await this.#client.user.create({ data: { email: normalize(email), name, passwordHash }, select })
      )
    } catch (error) {
      if (isDuplicate(error)) throw new ApiError(409, 'EMAIL_TAKEN', 'email is taken by another account')
      throw error
    }
  }

  /** Throws the same 401, after the same time, for a wrong password and for no such user. */
  async signIn({ email, password }: Credentials): Promise<Account> {
    const user = await this.#client.user.findUnique({
      where: { email: normalize(email) },
      select: { ...select, passwordHash: true }
    })
    const right = await verify(user?.passwordHash ?? (await this.#nobody), password).catch(() => false)
    if (user === null || !right) throw new ApiError(401, 'WRONG_CREDENTIALS', 'email or password is wrong')
    return toAccount(user)
  }

  /** Ends all sessions of the user. Throws 403 when `current` is not the password, 401 when the account is gone. */
  async changePassword(id: number, { current, next }: PasswordChange): Promise<Account> {
    const user = await this.#client.user.findUnique({ where: { id }, select: { passwordHash: true } })
    if (user === null) throw accountGone()
    const { passwordHash } = user
    const right = await verify(passwordHash, current).catch(() => false)
    const data = { passwordHash: await hash(next), sessionEpoch: { increment: 1 } }
    // Only what was verified is replaced: of two changes at once, the second is with a password that was.
    const where = { id, passwordHash }
    const [changed] = right ? await this.#client.user.updateManyAndReturn({ where, data, select }) : []
    if (changed !== undefined) return toAccount(changed)
    await this.own(id)
    throw new ApiError(403, 'WRONG_PASSWORD', 'current is not your password')
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

  /** The account of who is signed in. Throws 401 when it was deleted meanwhile. */
  async own(id: number): Promise<Account> {
    return this.account(id).catch((error) => {
      throw error instanceof NotFoundError ? accountGone() : error
    })
  }

  /** Throws 401 when the account was deleted meanwhile. */
  async changeProfile(id: number, { name, bio, avatarUrl }: ProfileChange): Promise<void> {
    const { count } = await this.#client.user.updateMany({ where: { id }, data: { name, bio, avatarUrl } })
    if (count === 0) throw accountGone()
  }

  /** Throws `NotFoundError`. */
  async changeRole(id: number, role: OwnUser['role']): Promise<void> {
    const { count } = await this.#client.user.updateMany({ where: { id }, data: { role } })
    if (count === 0) throw new NotFoundError('user')
  }

  async list(query: UserQuery): Promise<Page<OwnUser>> {
    const where: Prisma.UserWhereInput = { role: query.role }
    if (query.search !== undefined) {
      const part = { contains: escapeLike(query.search), mode: 'insensitive' } as const
      where.OR = [{ name: part }, { email: part }]
    }
    const [rows, total] = await Promise.all([
      this.#client.user.findMany({
        where,
        select,
        orderBy: { id: 'asc' },
        skip: (query.page - 1) * query.limit,
        take: query.limit
      }),
      this.#client.user.count({ where })
    ])
    return toPage(
      rows.map((row) => toOwnUser(toAccount(row))),
      total,
      query
    )
  }
}

/**
 * Keeps the account there until the transaction ends; throws 401 when it was deleted since the request began. Call it
 * before any other lock: a deletion of the user takes his row first, too.
 */
export async function lockAccount(tx: Transaction, id: number): Promise<void> {
  const [user] = await tx.$queryRaw<{ id: number }[]>`select id from app_user where id = ${id} for key share`
  if (user === undefined) throw accountGone()
}

function accountGone(): ApiError {
  return new ApiError(401, 'NOT_SIGNED_IN', 'sign in first: this account was deleted')
}

export function toOwnUser({ sessionEpoch: _, ...user }: Account): OwnUser {
  return user
}

export function toPublicUser({ id, name, bio, avatarUrl, createdAt }: Account): User {
  return { id, name, bio, avatarUrl, createdAt }
}

function toAccount(row: Prisma.UserGetPayload<{ select: typeof select }>): Account {
  const { id, email, name, bio, avatarUrl, role, sessionEpoch, createdAt } = row
  return { id, email, name, bio, avatarUrl, role, sessionEpoch, createdAt: createdAt.toISOString() }
}

export function normalize(email: string): string {
  return email.normalize('NFKC').toLowerCase()
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002'
}
