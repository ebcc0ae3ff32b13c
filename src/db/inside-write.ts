import { AsyncLocalStorage } from 'node:async_hooks'
import type { PrismaClient } from './generated/client.ts'

const insideWrite = new AsyncLocalStorage<true>()

/** Runs the task of a `Database.write`. */
export function runInsideWrite<T>(task: () => Promise<T>): Promise<T> {
  return insideWrite.run(true, task)
}

/**
 * The same client, which throws inside a write: what it did would not be part of the transaction; where connections are
 * few, it would wait for the transaction, and that for it. Looked at where it is used, not at the connections: Prisma sends
 * reads of several callers together, in the context of one of them.
 */
export function refusedInsideWrite(client: PrismaClient): PrismaClient {
  return new Proxy(client, {
    get(client, property) {
      if (insideWrite.getStore()) throw new Error('inside write(async (tx) => ...) use tx, not the client')
      return Reflect.get(client, property)
    }
  })
}
