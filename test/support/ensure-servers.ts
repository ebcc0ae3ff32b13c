/**
 * Run before the tests, which start their own servers and Chromium: installs what is missing.
 * Arguments name the required packages; without arguments, all that `npm test` needs.
 */
import { spawnSync } from 'node:child_process'
import { findChromium } from './chromium.ts'
import { findPostgres } from './postgres-tools.ts'

const has = (command: string) => spawnSync(command, ['--version']).status === 0
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })

const needed = [
  { what: 'redis-server (7 or later)', apt: 'redis-server', brew: 'redis', there: () => has('redis-server') },
  { what: 'PgBouncer', apt: 'pgbouncer', brew: 'pgbouncer', there: () => has('pgbouncer') },
  { what: 'Chromium', apt: 'chromium', brew: 'chromium', there: () => findChromium() !== undefined },
  // The npm package has only the server, not pg_dump, pg_restore and psql.
  { what: 'PostgreSQL', apt: 'postgresql', brew: 'postgresql', there: () => findPostgres() !== undefined },
  { what: 'openssl', apt: 'openssl', brew: 'openssl', there: () => spawnSync('openssl', ['version']).status === 0 },
  { what: 'nginx', apt: 'nginx-light', brew: 'nginx', there: () => spawnSync('nginx', ['-v']).status === 0 },
  { what: 'Varnish', apt: 'varnish', brew: 'varnish', there: () => spawnSync('varnishd', ['-V']).status === 0 }
]
/** Not for `npm test`. */
const ONLY_IF_NAMED = new Set(['nginx-light', 'varnish'])
const named = new Set(process.argv.slice(2))
const isWanted = (apt: string) => (named.size === 0 ? !ONLY_IF_NAMED.has(apt) : named.has(apt))
const missing = () => needed.filter(({ apt, there }) => isWanted(apt) && !there())

/** Without this setting, Debian creates a database cluster with the package, and starts it now and at every boot. */
const NO_CLUSTER = '/etc/postgresql-common/createcluster.d/ai-akademiya-api.conf'

if (missing().length > 0) install()
for (const { what, apt, brew } of missing()) {
  console.error(`the tests need ${what}: \`sudo apt-get install ${apt}\`, or \`brew install ${brew}\``)
  process.exitCode = 1
}

function install(): void {
  const root = process.getuid?.() === 0
  if (has('apt-get') && (root || has('sudo'))) {
    const asRoot = (...[command = '', ...args]: string[]) =>
      root ? run(command, ...args) : run('sudo', '-n', command, ...args)
    asRoot('apt-get', 'update', '-qq')
    asRoot('sh', '-c', `mkdir -p "\${1%/*}" && echo create_main_cluster=false > "$1"`, 'sh', NO_CLUSTER)
    asRoot('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing().map(({ apt }) => apt))
    asRoot('rm', '-f', NO_CLUSTER)
  } else if (has('brew')) run('brew', 'install', ...missing().map(({ brew }) => brew))
}
