/** `npm run admin-link`: prints a link that opens the admin page within ten minutes, even while nobody can sign in. */
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '#config/config.ts'
import { AdminLinks } from '#sessions/admin-link.ts'
import { readOwnLinkSecret } from '#sessions/own-link-secret.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run -s admin-link
Prints a link to the admin page that is valid for ten minutes. Whoever opens it can read the page for an hour, without an account and
without Redis, but cannot change anything. SESSION_SECRET, which signs the link, must be the same as for the service. The link begins
with PUBLIC_URL if that is set, otherwise with HOST and PORT.`

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

/** The secrets with which the service verifies links. */
async function secretsOf({ session, databaseUrl, dataDir }: Config): Promise<readonly string[]> {
  if (!session.isGenerated) return session.secrets
  if (databaseUrl !== null) {
    throw new Error(
      'SESSION_SECRET is not set: give this command the same one as the service (or SESSION_SECRET_FILE). If the service has none, each of its processes has generated its own: set one for all of them'
    )
  }
  const secret = await readOwnLinkSecret(dataDir)
  if (secret !== null) return [secret]
  throw new Error(`no service runs in DATA_DIR=${JSON.stringify(dataDir)}, and SESSION_SECRET is not set`)
}

/** `PUBLIC_URL`, or else the URL for a browser on this machine. */
function addressOf({ host, port, mail }: Config): string {
  if (process.env.PUBLIC_URL) return mail.publicUrl
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${reachable}:${port}`
}
