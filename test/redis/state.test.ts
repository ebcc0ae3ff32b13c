import { once } from 'node:events'
import t, { type Test } from 'tap'
import { connectRedis, type RedisClient } from '#redis/connect.ts'
import { stateOf } from '#redis/state.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { until } from '../support/eventually.ts'
import { freePort } from '../support/port.ts'
import { RedisServer } from '../support/redis.ts'

async function started(t: Test, ...options: string[]) {
  const server = await RedisServer.start(...options)
  t.teardown(() => server.stop())
  return server
}

async function connected(t: Test, url: string): Promise<RedisClient> {
  const client = connectRedis(url)
  t.teardown(() => closeRedis(client))
  await once(client, 'ready')
  return client
}

t.test('the state of a single server', async (t) => {
  const server = await started(t)
  const client = await connected(t, server.url)
  const stateIs = async (expected: object) => t.same(await stateOf(client, 'test'), expected)
  await stateIs({ state: 'up' })

  await t.test('a full server is read-only', async () => {
    await client.config('SET', 'maxmemory', '1')
    await stateIs({ state: 'read-only', reason: 'refuses writes: its memory is full' })
    await client.config('SET', 'maxmemory', '0')
    await stateIs({ state: 'up' })
  })

  await t.test('a server with too few replicas is read-only', async () => {
    await client.config('SET', 'min-replicas-to-write', '1')
    await stateIs({ state: 'read-only', reason: 'refuses writes: it has too few replicas' })
    await client.config('SET', 'min-replicas-to-write', '0')
  })

  await t.test('a server that has become a replica is read-only', async () => {
    await client.call('REPLICAOF', '127.0.0.1', String(await freePort()))
    await stateIs({ state: 'read-only', reason: 'refuses writes: it is a replica' })
    await client.call('REPLICAOF', 'NO', 'ONE')
  })

  await t.test('a server that is gone is down, and the reason has no address', async () => {
    await server.kill()
    await until(async () => (await stateOf(client, 'test')).state === 'down', 5000)
    await stateIs({ state: 'down' })
  })
})

t.test('a cluster without some of its slots is partial, whether it serves the others or not', async (t) => {
  const bus = [
    '--cluster-enabled',
    'yes',
    '--cluster-announce-ip',
    '127.0.0.1',
    '--cluster-port',
    String(await freePort())
  ]
  const server = await started(t, ...bus, '--cluster-require-full-coverage', 'no')
  const node = await connected(t, server.url)
  await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await until(async () => /cluster_state:ok/.test(String(await node.call('CLUSTER', 'INFO'))), 5000)
  const client = await connected(t, server.url.replace('redis:', 'redis+cluster:'))
  t.same(await stateOf(client, 'test'), { state: 'up' })

  await node.call('CLUSTER', 'DELSLOTSRANGE', '0', '99')
  t.same(await stateOf(client, 'test'), { state: 'partial', reason: '100 of its 16384 slots have no master' })
  await node.call('CONFIG', 'SET', 'cluster-require-full-coverage', 'yes')
  await node.call('CLUSTER', 'DELSLOTSRANGE', '100', '199')
  await until(async () => /cluster_state:fail/.test(String(await node.call('CLUSTER', 'INFO'))), 5000)
  t.match(await stateOf(client, 'test'), { state: 'partial' })
})
