/** Run before the tests: they start their own `redis-server`, PgBouncer and Chromium, and this installs what is not there. */
import { spawnSync } from 'node:child_process'
import { findChromium } from './chromium.ts'

const has = (command: string) => spawnSync(command, ['--version']).status === 0
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })

const needed = [
  { what: 'redis-server (7 or later)', apt: 'redis-server', brew: 'redis', there: () => has('redis-server') },
  { what: 'PgBouncer', apt: 'pgbouncer', brew: 'pgbouncer', there: () => has('pgbouncer') },
  { what: 'Chromium', apt: 'chromium', brew: 'chromium', there: () => findChromium() !== undefined }
]

for (const { what, apt, brew, there } of needed) {
  if (!there()) install(apt, brew)
  if (there()) continue
  console.error(`the tests need ${what}: \`sudo apt-get install ${apt}\`, or \`brew install ${brew}\``)
  process.exit(1)
}

function install(apt: string, brew: string): void {
  const root = process.getuid?.() === 0
  if (has('apt-get') && (root || has('sudo'))) {
    const get = (...args: string[]) => (root ? run('apt-get', ...args) : run('sudo', '-n', 'apt-get', ...args))
    get('update', '-qq')
    get('install', '-y', '-qq', '--no-install-recommends', apt)
  } else if (has('brew')) run('brew', 'install', brew)
}
