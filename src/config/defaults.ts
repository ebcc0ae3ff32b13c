/** Defaults for opening a database, for the environment and for callers without one. */
export const DATABASE_DEFAULTS = { poolSize: 10, statementTimeoutMs: 5000 } as const
