/**
 * `npm run check:alerts`: uses Prometheus' promtool to check the rules of ops/prometheus, that each alert fires on its
 * cause, the queries of the dashboard, and the configurations.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Parse } from 'typebox/schema'

const RULES = 'ops/prometheus'
const DASHBOARD = 'ops/grafana/dashboards/aikademiya.json'
const Dashboard = Type.Object({
  panels: Type.Array(Type.Object({ targets: Type.Optional(Type.Array(Type.Object({ expr: Type.String() }))) }))
})
/** Debian's package is unpacked here rather than installed, because installing it would start a server. */
const FOLDER = join(process.cwd(), 'node_modules', '.cache', 'prometheus')
const UNPACKED = join(FOLDER, 'usr', 'bin', 'promtool')

const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
const promtool = () => ['promtool', UNPACKED].find((path) => works(path, '--version'))

if (promtool() === undefined) unpack()
const found = promtool()
if (found === undefined) {
  console.error(
    'checking the alerts requires promtool: `sudo apt-get install prometheus`, or `brew install prometheus`'
  )
  process.exitCode = 1
} else {
  for (const args of [
    ['check', 'rules', 'rules.yml'],
    ['test', 'rules', 'rules.test.yml'],
    ['check', 'rules', queriesOfTheDashboard()],
    ['check', 'config', '--syntax-only', 'prometheus.yml', 'machine.yml']
  ]) {
    if (process.exitCode === undefined || process.exitCode === 0)
      process.exitCode = spawnSync(found, args, { cwd: RULES, stdio: 'inherit' }).status ?? 1
  }
}

/** Writes each query as a rule for promtool, with values in place of Grafana's variables; returns the file. */
function queriesOfTheDashboard(): string {
  const { panels } = Parse(Dashboard, JSON.parse(readFileSync(DASHBOARD, 'utf8')))
  const rules = panels.flatMap(({ targets = [] }, panel) =>
    targets.map(({ expr }, target) => ({
      record: `panel${panel}:query${target}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.*')
    }))
  )
  const file = join(FOLDER, 'dashboard.json')
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, JSON.stringify({ groups: [{ name: DASHBOARD, rules }] }))
  return file
}

function unpack(): void {
  mkdirSync(FOLDER, { recursive: true })
  const download = () => works('sh', '-c', 'cd "$1" && apt-get download -qq prometheus', 'sh', FOLDER)
  if (!download() && works('apt-get', 'update', '-qq')) download()
  const [archive] = globSync(join(FOLDER, '*.deb'))
  if (archive !== undefined && !existsSync(UNPACKED)) works('dpkg', '-x', archive, FOLDER)
}
