import { BusyError } from './bulkhead.ts'
import { Prisma } from './generated/client.ts'

/** SQLSTATE read_only_sql_transaction: the server is a standby, or was one when the connection was opened. */
export const READ_ONLY = '25006'

/** Prisma's codes for: no connection (P1...), none free, no transaction begun in time, a transaction rolled back. */
const CODES = /^P(1\d{3}|2024|2028|2034|2037)$/
/** Of these: no connection was free in time, or a transaction took too long. */
const FULL = /^P(2024|2028)$/

/**
 * SQLSTATEs of transient errors, which do not mean that the statement is wrong: connection lost (08), read-only
 * (25006), transaction timed out (25P03, 25P04) or rolled back because of a conflict (40), disk full or too many
 * connections (53), lock not available (55P03), statement cancelled (57014), server shutting down, starting up or
 * ending idle sessions (57P), I/O error (58).
 */
const TRANSIENT = /^(08|25006|25P03|25P04|40|53|55P03|57014|57P|58)/
/** Of these, the ones that guarantee that nothing was done: the statement may be run again. */
const NOTHING_DONE = /^(25006|40001|40P01|57P05)/

/** The driver's messages for a pool without a free connection, and for a lost connection. */
const FULL_MESSAGE = /timeout exceeded when trying to connect/
const LOST_MESSAGES = /Connection terminated|Client was closed|Client has encountered a connection error/

/** True for a transient error: the query may be fine, but the database cannot answer at the moment. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof BusyError || isFull(error)) return true
  if (error instanceof Prisma.PrismaClientInitializationError) return true
  if (error instanceof Prisma.PrismaClientKnownRequestError && CODES.test(error.code)) return true
  return TRANSIENT.test(sqlState(error)) || /Can't reach database server/.test(messageOf(error)) || isLost(error)
}

export interface Unavailability {
  /** For clients that are programs. */
  readonly code: 'DATABASE_DOWN' | 'DATABASE_OVERLOADED' | 'LOCKED' | 'TIMEOUT'
  /** For people who use a client. */
  readonly message: string
  /** For the operator: what to look at. */
  readonly advice: string
}

/** Describes an error for which `isDatabaseUnavailable` is true. */
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
  message: 'the database is overloaded at the moment: try again',
  advice:
    'the database is overloaded: no connection was free in time, or a transaction took too long; look for slow statements, or raise DATABASE_POOL_SIZE'
}

const DESCRIPTIONS: readonly (readonly [RegExp, string | Unavailability])[] = [
  [
    /^55P03/,
    {
      code: 'LOCKED',
      message: 'another change in progress has locked this: try again',
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
    'the database is read-only: it is a standby, or a failover is in progress; writes are refused until it accepts them'
  ],
  [/^53100/, 'the disk of the database is full: free some space'],
  [/^53300/, 'the database has too many connections: raise max_connections, or run fewer processes'],
  [/^53/, 'the database lacks memory or another resource: look at its log'],
  [/^40/, 'the database rolled back a transaction repeatedly because of conflicts: look for long transactions'],
  [/^58/, 'the database cannot read or write its files: look at its log']
]

function isFull(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError && FULL.test(error.code)) return true
  return FULL_MESSAGE.test(messageOf(error))
}

/** True for an error that guarantees that nothing was done: the whole operation or transaction may be run again. */
export function isSafeToRetry(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2034') return true
  return NOTHING_DONE.test(sqlState(error))
}

/** True if the connection was lost: a read may be retried, but a write may or may not have been done. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P1017') return true
  return /^(08|57P)/.test(sqlState(error)) || isLost(error)
}

function isLost(error: unknown): boolean {
  return LOST_MESSAGES.test(messageOf(error))
}

/** The SQLSTATE of an error of the driver or of Prisma; empty if it has none. */
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
