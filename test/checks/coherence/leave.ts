/** How the check ends, whatever ends it: what it has started goes first. */

const tasks: (() => Promise<unknown>)[] = []
const PATIENCE_MS = 15_000
let leaving = false

/** True when it ends already: what fails now fails because of that. */
export function isLeaving(): boolean {
  return leaving
}

/** `task` is run before the process ends; those that came last are run first. */
export function onLeave(task: () => Promise<unknown>): void {
  tasks.push(task)
}

export async function leave(code: number): Promise<void> {
  if (leaving) return
  leaving = true
  setTimeout(() => process.exit(code), PATIENCE_MS).unref()
  for (const task of tasks.reverse()) await task().catch((error) => console.error(error))
  process.exit(code)
}

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1]
] as const) {
  process.on(signal, () => leave(128 + number))
}
