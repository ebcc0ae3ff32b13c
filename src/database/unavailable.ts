import { BusyError } from './bulkhead.ts'
import { Prisma } from './generated/client.ts'

/** SQLSTATE read_only_sql_transaction: the server is a standby, or was one when the connection was made. */
export const READ_ONLY = '25006'

/** Prisma's codes for: no connection (P1...), none free, no transaction begun in time, a transaction rolled back. */
const CODES = /^P(1\d{3}|2024|2028|2034|2037)$/
/** Of these: no connection was free in time, or a transaction took longer than it may. */
const FULL = /^P(2024|2028)$/

/**
 * SQLSTATEs that say nothing about the statement, only that it cannot be done now: connection lost (08), read-only (25006),
 * transaction ended for its age (25P03, 25P04) or in favour of another (40), disk full or too many connections (53), lock not
 * free (55P03), statement cancelled (57014), server shutting down, starting up or ending idle sessions (57P), disk failed (58).
 */
const NOT_NOW = /^(08|25006|25P03|25P04|40|53|55P03|57014|57P|58)/
/** Of these, those after which nothing was done for certain: the statement may be run again. */
const NOTHING_DONE = /^(25006|40001|40P01|57P05)/

/** What the driver says of a pool without a free connection, and of a connection that was lost. */
const FULL_MESSAGE = /timeout exceeded when trying to connect/
const LOST_MESSAGES = /Connection terminated|Client was closed|Client has encountered a connection error/

/** True for an error that says nothing about the question, only that the database cannot answer at the moment. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof BusyError || isFull(error)) return true
  if (error instanceof Prisma.PrismaClientInitializationError) return true
  if (error instanceof Prisma.PrismaClientKnownRequestError && CODES.test(error.code)) return true
  return NOT_NOW.test(sqlState(error)) || /Can't reach database server/.test(messageOf(error)) || isLost(error)
}

export interface Unavailability {
  /** For programs. */
  readonly code: 'DATABASE_DOWN' | 'DATABASE_OVERLOADED' | 'LOCKED' | 'TIMEOUT'
  /** For the client. */
  readonly message: string
  /** What an operator is to look at. */
  readonly advice: string
}

/** What to say of an error for which `isDatabaseUnavailable`. */
export function describeUnavailable(error: unknown): Unavailability {
  if (isFull(error)) return OVERLOADED
  const found = DESCRIPTIONS.find(([states]) => states.test(sqlState(error)))?.[1]
  if (typeof found === 'object') return found
  return {
    code: 'DATABASE_DOWN',
    message: 'the database cannot do this at the moment: try again',
    advice: found ?? 'the database does not answer: check DATABASE_URL and the server'
  }
}

const OVERLOADED: Unavailability = {
  code: 'DATABASE_OVERLOADED',
  message: 'the database has too much to do at the moment: try again',
  advice:
    'the database is overloaded: no connection was free in time, or a transaction took too long; look for slow statements, or raise DATABASE_POOL_SIZE'
}

const DESCRIPTIONS: readonly (readonly [RegExp, string | Unavailability])[] = [
  [
    /^55P03/,
    {
      code: 'LOCKED',
      message: 'another change that is under way holds this: try again',
      advice: 'a change gave up waiting for a row that another transaction has locked: look for it in pg_locks'
    }
  ],
  [
    /^57014/,
    {
      code: 'TIMEOUT',
      message: 'this took too long: try again',
      advice: 'a statement was cancelled: it took longer than DATABASE_STATEMENT_TIMEOUT, or an operator cancelled it'
    }
  ],
  [
    /^25006/,
    'the database is read-only: a standby, or a failover is under way; writes are refused until it takes them'
  ],
  [/^53100/, 'the database has no room on its disk: free some'],
  [/^53300/, 'the database has too many connections: raise max_connections, or run fewer processes'],
  [/^53/, 'the database lacks memory or another resource: look at its log'],
  [/^40/, 'the database ended a transaction in favour of others, again and again: look for long transactions'],
  [/^58/, 'the database cannot use its files: look at its log']
]

function isFull(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError && FULL.test(error.code)) return true
  return FULL_MESSAGE.test(messageOf(error))
}

/** True for an error after which nothing was done for certain: what it ended may be run again, whole. */
export function isSafeToRetry(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2034') return true
  return NOTHING_DONE.test(sqlState(error))
}

/** True where the connection was lost: a read may be asked again; of a write nobody knows whether it was done. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P1017') return true
  return /^(08|57P)/.test(sqlState(error)) || isLost(error)
}

function isLost(error: unknown): boolean {
  return LOST_MESSAGES.test(messageOf(error))
}

/** PostgreSQL's code, of an error of the driver or of Prisma; empty where there is none. */
export function sqlState(error: unknown): string {
  const cause = property(property(property(error, 'meta'), 'driverAdapterError'), 'cause')
  const code =
    property(cause, 'originalCode') ?? property(property(error, 'cause'), 'originalCode') ?? property(error, 'code')
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : ''
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : ''
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
