import type { Owner } from '../../support/topologies.ts'

/** Resources to stop at the end, latest first. */
export class Owned implements Owner {
  readonly #tasks: (() => unknown)[] = []

  teardown(task: () => unknown): void {
    this.#tasks.unshift(task)
  }

  async end(): Promise<void> {
    for (const task of this.#tasks) await task()
  }
}
