import { Redis } from 'ioredis'
import t from 'tap'
import { RedisMessages } from '../../src/cache/invalidation/messages.ts'
import { until } from '../support/eventually.ts'
import { startCluster } from '../support/topologies.ts'
import { ANSWER_MS, answers, comesBack, open, publishUntil, subscribed } from '../support/watched-clients.ts'

const LEFT_AFTER_MS = 5000

const { url, servers = [] } = await startCluster(t)

// Once in several runs of CI something kept this process after its last test, and the run waited for it in vain. It is named, and ended.
t.teardown(() => {
  setTimeout(() => {
    console.error(`left: ${process.getActiveResourcesInfo().join()}`)
    process.exit()
  }, LEFT_AFTER_MS).unref()
})

t.test('Cluster', (t) => comesBack(t, url))

t.test('the node of a cluster that a duplicate subscribes at stops', async (t) => {
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
