/** How connections of the service are called in `pg_stat_activity`. */
export const APPLICATION_NAME = 'ai-akademiya-api'
