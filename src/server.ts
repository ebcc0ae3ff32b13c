/** `npm start`: serves until SIGTERM or SIGINT, then finishes the requests underway and closes. */
import { ConfigError } from '#config/environment.ts'
import { run } from './run.ts'
import { startMessage } from './start-message.ts'

await run(async (app) => {
  const { host, port } = app.config
  await app.listen({ host, port }).catch((error) => {
    throw new ConfigError('HOST and PORT', `${host}:${port}`, `the service cannot listen there (${error.message})`)
  })
  const [address] = app.addresses()
  if (process.stdout.isTTY && typeof address === 'object') console.log(startMessage(app.config, address))
})
