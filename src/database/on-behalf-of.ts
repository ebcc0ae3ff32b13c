import { AsyncLocalStorage } from 'node:async_hooks'

const clients = new AsyncLocalStorage<string>()

/** Runs `task`, whose work in the database counts as that of `client`, so that no client takes a whole share (`bulkhead.ts`). */
export function onBehalfOf<T>(client: string, task: () => T): T {
  return clients.run(client, task)
}

/** The client whose work this is, where it is one's. */
export function currentClient(): string | undefined {
  return clients.getStore()
}
