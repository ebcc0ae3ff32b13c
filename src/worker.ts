/**
 * `npm run worker`: runs generations. It is the service without its API. Any number of workers share PostgreSQL and
 * Redis with the API processes; set WORKER=none for those if only workers should run generations. With WORKER_PORT, it
 * serves health and metrics there.
 */
import { ConfigError } from '#config/environment.ts'
import { listen, run } from './run.ts'

await run(
  async (app) => {
    const { host, workerPort } = app.config
    if (workerPort !== null) await listen(app, host, workerPort, 'WORKER_PORT')
    app.log.info('worker ready: running generations')
  },
  (config) => {
    if (config.databaseUrl === null) {
      throw new ConfigError(
        'DATABASE_URL',
        '',
        'a separate worker needs it; embedded, the service runs generations itself'
      )
    }
    return { ...config, role: 'worker', generation: { ...config.generation, worker: 'inline' } }
  }
)
