/** The name of the service's connections in `pg_stat_activity`. */
export const APPLICATION_NAME = 'ai-akademiya-api'
