import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { run } from '../support/server-process.ts'
import { script, startService, temporaryFolder } from '../support/service.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const DASHBOARD = 'ops/grafana/dashboards/aikademiya.json'
const dashboard = read(DASHBOARD)

t.test('every metric used by the alerts and the dashboard exists', async (t) => {
  const { url } = await startService(t)
  const text = await (await fetch(`${url}/metrics`)).text()
  const there = new Set(
    [...text.matchAll(/^# TYPE (\S+) (\w+)/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name]
    )
  )
  for (const file of ['ops/prometheus/rules.yml', DASHBOARD]) {
    const named = new Set(read(file).match(/\b(aikademiya|nodejs|process)_\w+/g))
    t.ok(named.size > 5, file)
    for (const name of named) t.ok(there.has(name), `${file}: ${name}`)
  }
})

t.test('each alert links to an existing section', async (t) => {
  const sections = (file: string) =>
    [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')
    )
  const runbooks = [...read('ops/prometheus/rules.yml').matchAll(/runbook: ([^#\s]+)(?:#(\S+))?$/gm)]
  t.ok(runbooks.length > 20)
  for (const [named, file = '', section] of runbooks) {
    t.ok(section === undefined ? read(file) : sections(file).includes(section), named)
  }
})

t.test(
  'the dashboard matches the schema of the Grafana version in docker-compose.yml, and invalid ones do not',
  async (t) => {
    const { dependencies = {}, devDependencies = {} } = parse(read('package.json'))
    t.match(
      read('docker-compose.yml'),
      `image: grafana/grafana:${{ ...dependencies, ...devDependencies }['@grafana/schema']}\n`
    )
    const copies: [string, string | RegExp, string][] = [
      ['a misspelt key of a panel', '"gridPos"', '"gridPosition"'],
      ['a misspelt key of a field', '"decimals"', '"decimal"'],
      ['a value that an enum does not have', '"mode": "absolute"', '"mode": "relative"'],
      ['an unknown kind of variable', '"type": "query"', '"type": "label"'],
      ['an unknown option of a panel', '"sort": "desc"', '"sort": "down"'],
      ['a panel without a unit', /"unit": "\w+",/, ''],
      ['a text for a number', '"schemaVersion": 42', '"schemaVersion": "42"']
    ]
    const broken = copies.map(([what, from, to]) => {
      const copy = dashboard.replace(from, to)
      t.ok(copy !== dashboard, `${what}: the copy is changed`)
      return copy
    })
    const folder = await temporaryFolder(t)
    const texts = [dashboard, ...broken]
    for (const [i, text] of texts.entries()) {
      const type = `import type { DashboardFile } from ${JSON.stringify(script('test/ops/dashboard-schema.ts'))}`
      await writeFile(join(folder, `${i}.mts`), `${type}\nexport const dashboard: DashboardFile = ${text}\n`)
    }
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: script('tsconfig.json'),
        compilerOptions: { types: [] },
        files: texts.map((_, i) => `${i}.mts`),
        include: []
      })
    )
    const { stdout } = await run('tsc', ['--project', folder, '--pretty', 'false'])
    const wrong = new Set([...stdout.matchAll(/(\d+)\.mts\(\d+,\d+\): error/g)].map(([, i]) => Number(i)))
    t.notOk(wrong.has(0), `ours: ${stdout.split('\n', 1)}`)
    for (const [i, [what]] of copies.entries()) t.ok(wrong.has(i + 1), what)
  }
)

t.test('the dashboard can be filtered by instance and route', (t) => {
  const { panels, templating } = JSON.parse(dashboard)
  t.same(
    templating.list.map(({ name }: { name: string }) => name),
    ['datasource', 'instance', 'route']
  )
  // These describe the database, and are the same in every process.
  const shared = /^max( by \(\w+\))? ?\(aikademiya_(outbox_depth|sweeper_lag_seconds|generations|workers)\b/
  for (const { title, targets = [] } of panels) {
    for (const { expr } of targets) {
      if (!/aikademiya_|nodejs_|process_/.test(expr) || shared.test(expr)) continue
      t.match(expr, 'instance=~"$instance"', `${title}: by instance`)
      if (expr.includes('_request_seconds_')) t.match(expr, 'route=~"$route"', `${title}: by route`)
    }
  }
  t.end()
})
t.test('each alert has a test that fires it, and a page with instructions', (t) => {
  const { groups } = parse(read('ops/prometheus/rules.yml'))
  const tried = JSON.stringify(parse(read('ops/prometheus/rules.test.yml')))
  const alerts = groups.flatMap(({ rules }: { rules: { alert?: string }[] }) =>
    rules.filter(({ alert }) => alert !== undefined)
  )
  t.ok(alerts.length > 15)
  for (const { alert, annotations } of alerts) {
    t.match(tried, new RegExp(`"alertname":"${alert}","exp_alerts":\\[\\{`), `${alert} fires in a test`)
    const [page = '', anchor] = annotations.runbook.split('#')
    const anchors = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/\s/g, '-')
    )
    if (anchor !== undefined) t.ok(anchors.includes(anchor), `${alert}: ${annotations.runbook}`)
  }
  t.end()
})
