/** `npm start`: serves until SIGTERM or SIGINT, then finishes the requests underway and closes. */
import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { DataDirInUseError } from './db/data-dir-lock.ts'
import { DatabaseUnusableError } from './db/unusable.ts'
import { ConfigError } from './environment.ts'

const GRACE_MS = 10_000

try {
  const config = readConfig(process.env)
  const app = await buildApp(config)
  closeWithGrace({ delay: GRACE_MS }, async ({ err, signal }) => {
    if (err) app.log.error({ err }, 'closing after an error that nothing caught')
    else app.log.info({ signal }, 'closing')
    await app.close()
  })
  await app.listen({ host: config.host, port: config.port }).catch((error) => {
    throw new ConfigError(
      'HOST and PORT',
      `${config.host}:${config.port}`,
      `the service cannot listen there (${error.message})`
    )
  })
} catch (error) {
  // What the operator can mend is one line; anything else is a fault of ours, with its stack.
  console.error(isForOperator(error) ? error.message : error)
  process.exit(1)
}

function isForOperator(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof DataDirInUseError || error instanceof DatabaseUnusableError
}
