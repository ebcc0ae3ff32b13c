import { Prisma } from './generated/client.ts'

/** Prisma's codes for: not reachable, timed out, connection closed, no connection free, no transaction begun in time. */
const CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028'])
/** The classes of SQLSTATE for: connection lost, server shutting down or starting up. */
const SQL_STATES = /^(08|57P)/

/** What the driver says of a pool without a free connection, and of a connection that was lost. */
const DRIVER_MESSAGES = /timeout exceeded when trying to connect|Connection terminated/

/** True for an error that says nothing about the question, only that the database cannot answer at the moment. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError))
    return (
      error instanceof Prisma.PrismaClientInitializationError ||
      (error instanceof Error && DRIVER_MESSAGES.test(error.message))
    )
  return CODES.has(error.code) || /Can't reach database server/.test(error.message) || SQL_STATES.test(sqlState(error))
}

/** True for a transaction that PostgreSQL rolled back, whole, in favour of another: it may be run again. */
export function isDeadlock(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError && (error.code === 'P2034' || /^40/.test(sqlState(error)))
  )
}

function sqlState({ meta }: Prisma.PrismaClientKnownRequestError): string {
  const cause = property(property(meta, 'driverAdapterError'), 'cause')
  return String(property(cause, 'originalCode') ?? '')
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
