/** Preloaded by a process to set its clock an hour ahead. */
const AHEAD_MS = 3_600_000
const { now } = Date
Object.defineProperty(Date, 'now', { value: () => now() + AHEAD_MS })
