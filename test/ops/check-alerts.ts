/** `npm run check:alerts`: the rules of ops/prometheus, and that each alert fires by its cause, by Prometheus' own promtool. */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

const RULES = 'ops/prometheus'
/** Debian's package is taken out here and not installed, as it would start a server. */
const FOLDER = join(process.cwd(), 'node_modules', '.cache', 'prometheus')
const UNPACKED = join(FOLDER, 'usr', 'bin', 'promtool')

const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
const promtool = () => ['promtool', UNPACKED].find((path) => works(path, '--version'))

if (promtool() === undefined) unpack()
const found = promtool()
if (found === undefined) {
  console.error('the alerts are checked by promtool: `sudo apt-get install prometheus`, or `brew install prometheus`')
  process.exitCode = 1
} else {
  for (const [what, file] of [
    ['check', 'rules.yml'],
    ['test', 'rules.test.yml']
  ] as const) {
    if (process.exitCode === undefined || process.exitCode === 0)
      process.exitCode = spawnSync(found, [what, 'rules', file], { cwd: RULES, stdio: 'inherit' }).status ?? 1
  }
}

function unpack(): void {
  mkdirSync(FOLDER, { recursive: true })
  const download = () => works('sh', '-c', 'cd "$1" && apt-get download -qq prometheus', 'sh', FOLDER)
  if (!download() && works('apt-get', 'update', '-qq')) download()
  const [archive] = globSync(join(FOLDER, '*.deb'))
  if (archive !== undefined && !existsSync(UNPACKED)) works('dpkg', '-x', archive, FOLDER)
}
