import { AsyncLocalStorage } from 'node:async_hooks'

const clients = new AsyncLocalStorage<string>()

/**
 * Runs `task` on behalf of `client`: its database work counts against that client's limits in the bulkheads
 * (`bulkhead.ts`).
 */
export function onBehalfOf<T>(client: string, task: () => T): T {
  return clients.run(client, task)
}

/** The client on whose behalf this code runs, if any. */
export function currentClient(): string | undefined {
  return clients.getStore()
}
