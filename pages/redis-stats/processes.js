import { byId, el, show } from './dom.js'
import { atMost, bytes, exactly, ms, number, percent, since, UNKNOWN, when } from './format.js'
import { createTable } from './table.js'
import { counted, words } from './words.js'

/** The processes of the service, running generations, and the Redis servers. */
export function createProcesses() {
  const numeric = (title) => ({ title, number: true })
  const processes = createTable(
    'processes-table',
    [
      { title: words.process },
      { title: words.version },
      { title: words.uptime },
      { title: words.memoryTaken },
      { title: 'Redis' },
      { title: words.sweeper },
      { title: words.generations }
    ],
    { empty: words.noData }
  )
  const generations = createTable(
    'generations',
    [
      { title: words.topic },
      { title: words.user },
      { title: words.state },
      numeric(words.done),
      numeric(words.askedFor)
    ],
    { empty: words.noGenerations }
  )
  const servers = createTable(
    'servers',
    [
      { title: words.server },
      ...[words.memoryTaken, words.keys, words.operations, words.evicted, words.clients].map(numeric)
    ],
    { empty: words.noServers }
  )
  const slow = createTable('slow-log', [{ title: words.time }, { title: words.command }, numeric(words.took)], {
    empty: words.noSlow
  })

  return {
    update(report) {
      processes.update(report.processes.map((process) => processRow(process, report.mode)))
      show('processes-alive', counted(report.processes.length, 'processes'))
      const versions = new Set(report.processes.map(({ version, commit }) => `${version} ${commit ?? ''}`))
      show('versions', versions.size > 1 ? words.manyVersions(versions.size) : '', 'warn')
      showGenerations(report.generations, generations)
      servers.update(report.nodes.map(serverRow))
      slow.update(
        report.slowLog.map(({ at, ms: took, command }) => [
          { text: when(at), title: exactly(at) },
          { text: command, code: true },
          ms(took)
        ])
      )
    }
  }
}

function processRow(
  { host, pid, role, version, commit, startedAt, rssBytes, l1, trusted, sweeper, store, generations },
  mode
) {
  const redis = {
    text: trusted ? words.trusted : words.notTrusted,
    kind: trusted ? 'good' : 'bad',
    note: store.answers === 0 ? null : words.onAverage(ms(store.meanMs))
  }
  return [
    { text: `${host} ${pid}`, note: words.roles[role] ?? role },
    { text: version ?? UNKNOWN, note: commit?.slice(0, 8) },
    { text: since(startedAt), title: exactly(startedAt) },
    { text: bytes(rssBytes), note: `L1 ${bytes(l1.bytes)}, ${counted(l1.count, 'entries')}` },
    mode === 'embedded' ? UNKNOWN : redis,
    {
      text: sweeper.failing ? words.failing : words.swept(number(sweeper.swept)),
      kind: sweeper.failing ? 'bad' : null
    },
    generations === null ? UNKNOWN : words.slots(number(generations.running), number(generations.concurrency))
  ]
}

function serverRow(node) {
  const { address, role, version, usedBytes, maxBytes, keys, opsPerSecond, evictedKeys, evictionPolicy, clients } = node
  return [
    { text: address, note: `${role}, ${version}` },
    { text: bytes(usedBytes), note: maxBytes === 0 ? words.noLimit : `${words.of} ${bytes(maxBytes)}` },
    number(keys),
    number(opsPerSecond),
    { text: number(evictedKeys), note: evictionPolicy },
    number(clients)
  ]
}

function showGenerations(generations, table) {
  const counts = Object.entries(generations?.counts ?? {})
  byId('generation-counts').replaceChildren(
    ...counts.map(([status, count]) =>
      el('div', {}, el('dt', {}, words.statuses[status] ?? status), el('dd', {}, atMost(count)))
    )
  )
  table.update(
    (generations?.running ?? []).map(({ topic, user, status, percent: done, startedAt }) => [
      topic,
      user.name,
      words.statuses[status] ?? status,
      { text: percent(done / 100), bar: done / 100 },
      { text: `${since(startedAt)} ${words.ago}`, title: exactly(startedAt) }
    ])
  )
}
