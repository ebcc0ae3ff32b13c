/** Run before the tests: they start their own `redis-server`, and this installs one where there is none. */
import { spawnSync } from 'node:child_process'

const has = (command: string) => spawnSync(command, ['--version']).status === 0
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })

if (!has('redis-server')) {
  const root = process.getuid?.() === 0
  if (has('apt-get') && (root || has('sudo'))) {
    const apt = (...args: string[]) => (root ? run('apt-get', ...args) : run('sudo', '-n', 'apt-get', ...args))
    apt('update', '-qq')
    apt('install', '-y', '-qq', 'redis-server')
  } else if (has('brew')) {
    run('brew', 'install', 'redis')
  }
  if (!has('redis-server')) {
    console.error(
      'the tests need redis-server (7 or later) on the PATH: `sudo apt-get install redis-server`, or `brew install redis`'
    )
    process.exit(1)
  }
}
