/**
 * `npm run worker`: runs generations and listens to nobody. It is the service without its port: any number of them share
 * PostgreSQL and Redis with the API processes, which have WORKER=none where the workers are to do it all.
 */
import { ConfigError } from '#config/environment.ts'
import { run } from './run.ts'

await run(
  async (app) => app.log.info('worker ready: generations are run here'),
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
