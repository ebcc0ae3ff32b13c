/** What the database is opened with where the environment, or a caller without one, says nothing else. */
export const DATABASE_DEFAULTS = { poolSize: 10, statementTimeoutMs: 5000 } as const
