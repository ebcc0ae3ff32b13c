import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { startService } from '../support/service.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

t.test('what the alerts and the dashboard look at is there', async (t) => {
  const { url } = await startService(t)
  const text = await (await fetch(`${url}/metrics`)).text()
  const there = new Set(
    [...text.matchAll(/^# TYPE (\S+) (\w+)/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name]
    )
  )
  for (const file of ['ops/prometheus/rules.yml', 'ops/grafana/dashboards/aikademiya.json']) {
    const named = new Set(read(file).match(/\b(aikademiya|nodejs|process)_\w+/g))
    t.ok(named.size > 5, file)
    for (const name of named) t.ok(there.has(name), `${file}: ${name}`)
  }
})

t.test('each alert has a cause that is tried, and a page that says what to do', (t) => {
  const { groups } = parse(read('ops/prometheus/rules.yml'))
  const tried = JSON.stringify(parse(read('ops/prometheus/rules.test.yml')))
  const alerts = groups.flatMap(({ rules }: { rules: { alert?: string }[] }) =>
    rules.filter(({ alert }) => alert !== undefined)
  )
  t.ok(alerts.length > 15)
  for (const { alert, annotations } of alerts) {
    t.match(tried, new RegExp(`"alertname":"${alert}","exp_alerts":\\[\\{`), `${alert} is seen to fire`)
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
