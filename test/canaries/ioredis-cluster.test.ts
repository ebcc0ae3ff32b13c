import { once } from 'node:events'
import { Cluster, Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { until } from '../support/eventually.ts'
import { isPinned } from '../support/pinned.ts'
import { freePort } from '../support/port.ts'
import { RedisServer } from '../support/redis.ts'

const SLOTS = 16_384

const nodes = await startTwoNodes(t)
const [first, second] = nodes
const addresses = nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port }))

/** Overrides the same method as WatchedCluster in src/redis/connect.ts. */
class Watched extends Cluster {
  readonly errors: string[] = []
  override handleError(...[error, ...more]: Parameters<Cluster['handleError']>): void {
    this.errors.push(error.message)
    super.handleError(error, ...more)
  }
}
const cluster = new Watched(addresses, { enableOfflineQueue: false, slotsRefreshInterval: 60_000 })
cluster.on('error', () => {})
t.teardown(() => cluster.disconnect())
await once(cluster, 'ready')

// src/redis/connect.ts, mastersBySlot.
t.test('`slots` contains the addresses of the servers of each slot, the master first', async (t) => {
  t.equal(cluster.slots.length, SLOTS)
  t.same(cluster.slots[0], [`127.0.0.1:${first.server.port}`])
  t.same(cluster.slots[SLOTS - 1], [`127.0.0.1:${second.server.port}`])
})

// src/redis/connect.ts, mastersOf; watchdog.ts, ping.
t.test('nodes("master") returns a client for each master', async (t) => {
  const ports = cluster.nodes('master').map((node) => node.options.port)
  t.same(new Set(ports), new Set(nodes.map(({ server }) => server.port)))
})

// src/redis/connect.ts, WatchedCluster and onInterruption.
t.test(
  'handleError is called for a MOVED before the command is redirected, and "refresh" is emitted later',
  async (t) => {
    // Moves the slot of "canary" to the other node, which the client does not know yet.
    const slot = await first.redis.cluster('KEYSLOT', 'canary')
    const [from, to] = slot < SLOTS / 2 ? [first, second] : [second, first]
    await to.redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
    await from.redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
    const refreshed = once(cluster, 'refresh')
    let seen = 0
    await cluster.set('canary', '1').then(() => {
      seen = cluster.errors.length
    })
    t.equal(seen, 1, 'before the answer')
    t.match(cluster.errors[0], /^MOVED \d+ /)
    await refreshed
    t.same(cluster.slots[Number(slot)], [`127.0.0.1:${to.server.port}`])
  }
)

// src/redis/connect.ts, allMasters.
t.test('refreshSlotsCache calls back once `slots` has been read from a node', async (t) => {
  cluster.slots = []
  const error = await new Promise((resolve) => cluster.refreshSlotsCache(resolve))
  t.notOk(error)
  t.equal(cluster.slots.length, SLOTS)
})

// src/redis/connect.ts, onInterruption.
t.test('"-node" is emitted when one node is lost, and "close" and "end" when all are', async (t) => {
  const lost = once(cluster, '-node')
  cluster.nodes('master')[0]?.emit('end')
  await lost
  const ended = once(cluster, 'end')
  const closed = once(cluster, 'close')
  cluster.disconnect()
  await Promise.all([closed, ended])
  t.equal(cluster.status, 'end')
  await cluster.connect()
  t.equal(cluster.status, 'ready', 'connect() reconnects')
})

t.test('ioredis is pinned: src/redis/connect.ts overrides a method of its Cluster', (t) => isPinned(t, 'ioredis'))

/** Two masters with half of the slots each. */
async function startTwoNodes(t: Test) {
  const half = SLOTS / 2
  const start = async (from: number, to: number) => {
    const busPort = String(await freePort())
    const server = await RedisServer.start('--cluster-enabled', 'yes', '--cluster-port', busPort)
    t.teardown(() => server.stop())
    const redis = new Redis(server.url)
    redis.on('error', () => {})
    t.teardown(() => redis.disconnect())
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to - 1)
    return { server, redis, busPort, id: String(await redis.call('CLUSTER', 'MYID')) }
  }
  const nodes = [await start(0, half), await start(half, SLOTS)] as const
  const [first, second] = nodes
  await first.redis.call('CLUSTER', 'SET-CONFIG-EPOCH', 1)
  await second.redis.call('CLUSTER', 'SET-CONFIG-EPOCH', 2)
  await first.redis.call('CLUSTER', 'MEET', '127.0.0.1', second.server.port, second.busPort)
  const ok = async ({ redis }: { redis: Redis }) => /cluster_state:ok/.test(String(await redis.call('CLUSTER', 'INFO')))
  await until(async () => (await ok(first)) && (await ok(second)), 20_000)
  return nodes
}
