import type { Owner } from '../../support/topologies.ts'

/** What is ended in the end, the latest first. */
export class Owned implements Owner {
  readonly #tasks: (() => unknown)[] = []

  teardown(task: () => unknown): void {
    this.#tasks.unshift(task)
  }

  async end(): Promise<void> {
    for (const task of this.#tasks) await task()
  }
}
