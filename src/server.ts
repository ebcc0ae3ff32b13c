/** `npm start`: serves until SIGTERM or SIGINT, then finishes the requests underway and closes. */
import { ConfigError } from '#config/environment.ts'
import { run } from './run.ts'

await run(async (app) => {
  const { host, port } = app.config
  await app.listen({ host, port }).catch((error) => {
    throw new ConfigError('HOST and PORT', `${host}:${port}`, `the service cannot listen there (${error.message})`)
  })
})
