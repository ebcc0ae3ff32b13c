/** Cleanup at the end of the check, however it ends: everything it has started is stopped first. */

const tasks: (() => Promise<unknown>)[] = []
const PATIENCE_MS = 15_000
let leaving = false

/** True once the check is ending: failures from then on are caused by that. */
export function isLeaving(): boolean {
  return leaving
}

/** Runs `task` before the process ends, in reverse order of registration. */
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
