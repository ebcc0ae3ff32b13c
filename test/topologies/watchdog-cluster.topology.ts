import { Redis } from 'ioredis'
import t from 'tap'
import { RedisMessages } from '../../src/cache/invalidation/messages.ts'
import { until } from '../support/eventually.ts'
import { startCluster } from '../support/topologies.ts'
import { ANSWER_MS, answers, comesBack, open, publishUntil, subscribed } from '../support/watched-clients.ts'

const LEFT_AFTER_MS = 5000

const { url, servers = [] } = await startCluster(t)

// In a few runs of CI, something kept this process running after its last test. This prints what it was, and exits.
t.teardown(() => {
  setTimeout(() => {
    console.error(`still active: ${process.getActiveResourcesInfo().join()}`)
    process.exit()
  }, LEFT_AFTER_MS).unref()
})

t.test('Cluster', (t) => comesBack(t, url))

t.test('a duplicate subscribes again after the cluster node of its subscription has stopped', async (t) => {
  const client = open(t, url)
  const { heard } = subscribed(t, client, 'stopped')
  const other = new RedisMessages(client, client, 'stopped')
  await answers(client)
  await until(() => publishUntil(other, heard, 'before'), ANSWER_MS)
  const plain = servers.map((server) => new Redis(server.url))
  t.teardown(() => {
    for (const node of plain) node.disconnect()
  })
  const counts = await Promise.all(plain.map((node) => node.pubsub('NUMSUB', 'stopped:invalidations')))
  const node = servers[counts.findIndex(([, count]) => count === 1)]
  t.ok(node)
  node?.signal('SIGSTOP')
  t.teardown(() => node?.signal('SIGCONT'))
  await until(() => publishUntil(other, heard, 'after'), 2 * ANSWER_MS)
})
