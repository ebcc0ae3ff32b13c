/** `npm run admin-link`: prints a link by which whoever opens it within ten minutes reads the admin page, while nobody can sign in, too. */
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '#config/config.ts'
import { AdminLinks } from '#sessions/admin-link.ts'
import { readOwnLinkSecret } from '#sessions/own-link-secret.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run -s admin-link
Prints a link to the admin page, good for ten minutes. Whoever opens it reads the page for an hour, without an account and without Redis,
and changes nothing. It is signed with SESSION_SECRET, which must be that of the service. It begins with PUBLIC_URL, else with HOST and PORT.`

readArguments()
try {
  const config = readConfig(process.env)
  const links = new AdminLinks(await secretsOf(config))
  console.log(`${addressOf(config)}/admin/redis-stats/?token=${links.token()}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

function readArguments(): void {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
    if (values.help) endWithUsage(USAGE, null)
  } catch (error) {
    endWithUsage(USAGE, error instanceof Error ? error.message : String(error))
  }
}

/** By which the service verifies. */
async function secretsOf({ session, databaseUrl, dataDir }: Config): Promise<readonly string[]> {
  if (!session.isGenerated) return session.secrets
  if (databaseUrl !== null) {
    throw new Error(
      'SESSION_SECRET is not set here: give this command that of the service (or SESSION_SECRET_FILE). Where the service has none, each process has made one for itself: set one for all'
    )
  }
  const secret = await readOwnLinkSecret(dataDir)
  if (secret !== null) return [secret]
  throw new Error(`no service runs in DATA_DIR=${JSON.stringify(dataDir)}, and SESSION_SECRET is not set`)
}

/** Where a browser on this machine finds the service, if `PUBLIC_URL` does not say where others do. */
function addressOf({ host, port, mail }: Config): string {
  if (process.env.PUBLIC_URL) return mail.publicUrl
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${reachable}:${port}`
}
