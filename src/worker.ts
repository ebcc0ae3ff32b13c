/**
 * `npm run worker`: runs generations. It is the service without its API: any number of them share PostgreSQL and Redis with the API
 * processes, which have WORKER=none where the workers are to do it all. With WORKER_PORT it answers health and metrics there.
 */
import { ConfigError } from '#config/environment.ts'
import { listen, run } from './run.ts'

await run(
  async (app) => {
    const { host, workerPort } = app.config
    if (workerPort !== null) await listen(app, host, workerPort, 'WORKER_PORT')
    app.log.info('worker ready: generations are run here')
  },
  (config) => {
    if (config.databaseUrl === null) {
      throw new ConfigError(
        'DATABASE_URL',
        '',
        'a worker of its own needs it; embedded, the service runs generations itself'
      )
    }
    return { ...config, role: 'worker', generation: { ...config.generation, worker: 'inline' } }
  }
)
