import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { RedisMessages } from '../../src/cache/messages.ts'
import { connectRedis, duplicateOf, type RedisClient } from '../../src/redis/connect.ts'
import { closeRedis, REVIVED } from '../../src/redis/watchdog.ts'
import { TcpProxy } from '../coherence/tcp-proxy.ts'
import { recordingLog } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'
import { startCluster, startSentinel } from '../support/topologies.ts'

/** Longer than it may be without an attempt, and one attempt. */
const BACK_MS = 6000
const ANSWER_MS = 10_000
/** What a busy machine adds. */
const SLACK_MS = 1000

const server = await RedisServer.start()
t.teardown(() => server.stop())

t.test('one Redis', (t) => suite(t, server.url))
t.test('Sentinel', async (t) => suite(t, (await startSentinel(t)).url))
t.test('Cluster', async (t) => suite(t, (await startCluster(t)).url))

async function suite(t: Test, url: string): Promise<void> {
  await t.test('a client that is to reconnect in the moment it connects, as at a failover, does', async (t) => {
    const client = open(t, url)
    t.equal(client.status, 'connecting')
    client.disconnect(true)
    await answers(client)
  })

  for (const how of ['disconnect', 'quit'] as const) {
    await t.test(`a client that somebody else has ended by ${how}() comes back, and says so once`, async (t) => {
      const client = open(t, url)
      await answers(client)
      const reasons: Error[] = []
      client.on(REVIVED, (reason: Error) => reasons.push(reason))
      if (how === 'quit') await client.quit()
      else client.disconnect()
      await once(client, 'end')
      await answers(client)
      t.equal(reasons.length, 1)
      t.match(reasons[0]?.message, /did not reconnect by itself/)
    })
  }

  await t.test('a client that is ended again and again while it connects comes back', async (t) => {
    const client = open(t, url)
    for (let i = 0; i < 20; i++) {
      client.disconnect(i % 2 === 0)
      await sleep(30)
    }
    await answers(client)
  })

  await t.test('a duplicate that subscribes, and has ended, hears messages again', async (t) => {
    const client = open(t, url)
    const { subscriber, heard } = subscribed(t, client, 'ended')
    const other = new RedisMessages(client, client, 'ended')
    await answers(client)
    await until(() => publishUntil(other, heard, 'before'), ANSWER_MS)
    for (const end of [() => subscriber.disconnect(), () => subscriber.disconnect(true), () => subscriber.quit()]) {
      const message = `after ${heard.size}`
      await end()
      await until(() => publishUntil(other, heard, message), ANSWER_MS)
    }
  })

  await t.test('a client that is closed stays closed, and nothing is left that keeps a process', async (t) => {
    const before = process.getActiveResourcesInfo().length
    for (const afterMs of [0, 1, 5, 20, 200]) {
      const client = connectRedis(url)
      client.on('error', () => {})
      await sleep(afterMs)
      closeRedis(client)
      client.on('connecting', () => t.fail('connects again'))
    }
    await until(() => process.getActiveResourcesInfo().length <= before, BACK_MS)
    await sleep(1000)
    t.ok(process.getActiveResourcesInfo().length <= before, process.getActiveResourcesInfo().join())
  })
}

t.test('a client that was told to disconnect while it waits to reconnect', async (t) => {
  const own = await RedisServer.start()
  t.teardown(() => own.stop())
  const client = open(t, own.url)
  await answers(client)
  await own.kill()
  await until(() => client.status === 'reconnecting', BACK_MS)
  client.disconnect()
  await own.resume()
  await answers(client)
})

t.test('a Redis that accepts connections and says nothing', async (t) => {
  const proxy = await TcpProxy.start(server.port)
  const client = open(t, `redis://127.0.0.1:${proxy.port}`)
  const { heard } = subscribed(t, client, 'silent')
  const other = new RedisMessages(open(t, server.url), client, 'silent')
  await answers(client)
  await until(() => publishUntil(other, heard, 'before'), ANSWER_MS)
  const attempts: number[] = []
  client.on('connecting', () => attempts.push(performance.now()))
  attempts.push(performance.now())
  proxy.silence()
  // Nobody asks anything: only the watchdog can find out.
  await until(() => attempts.length === 4, 4 * BACK_MS)
  const pauses = attempts.slice(1).map((at, i) => Math.round(at - (attempts[i] ?? 0)))
  t.ok(
    pauses.every((pause) => pause < 3000 + SLACK_MS),
    `tries again after ${pauses.join(', ')} ms`
  )
  proxy.open()
  await answers(client)
  await until(() => publishUntil(other, heard, 'after'), ANSWER_MS)
})

t.test('a Redis that loads its data is not disturbed', async (t) => {
  const loading = await RedisServer.start(
    '--enable-debug-command',
    'local',
    '--key-load-delay',
    '1500',
    '--loading-process-events-interval-bytes',
    '1024'
  )
  t.teardown(() => loading.stop())
  const filler = new Redis(loading.url)
  await filler.debug('POPULATE', 3000)
  await filler.save()
  filler.disconnect()
  await loading.kill()
  const resumed = loading.resume()
  const client = open(t, loading.url)
  await until(() => client.status === 'connect', BACK_MS)
  client.on(REVIVED, ({ message }: Error) => t.fail(message))
  const took = await answers(client)
  t.ok(took > 3000, `loaded for ${Math.round(took)} ms`)
  await resumed
})

t.test('sentinels whose answers never arrive, until they do', async (t) => {
  const { url } = await startSentinel(t)
  const ports = [...url.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))
  const proxies = await Promise.all(ports.map((port) => TcpProxy.start(port)))
  for (const proxy of proxies) proxy.silence()
  const client = open(t, `redis+sentinel://${proxies.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main/0`)
  await sleep(5000)
  t.not(client.status, 'ready')
  for (const proxy of proxies) proxy.open()
  await answers(client)
})

t.test('the node of a cluster that a duplicate subscribes at stops', async (t) => {
  const { url, servers = [] } = await startCluster(t)
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

function open(t: Test, url: string): RedisClient {
  const client = connectRedis(url)
  client.on('error', () => {})
  t.teardown(() => closeRedis(client))
  return client
}

async function answers(client: RedisClient): Promise<number> {
  return until(async () => (await client.set('answers', '1').catch(() => '')) === 'OK', ANSWER_MS)
}

/** A duplicate that listens as the cache's does, and the tags it has heard of. */
function subscribed(t: Test, client: RedisClient, prefix: string) {
  const subscriber = duplicateOf(client)
  subscriber.on('error', () => {})
  t.teardown(() => closeRedis(subscriber))
  const heard = new Set<string>()
  const received = ({ tags = [] }: { tags?: string[] }) => {
    for (const tag of tags) heard.add(tag)
  }
  new RedisMessages(client, subscriber, prefix).listen({ received, interrupted: () => {} }, recordingLog().log)
  return { subscriber, heard }
}

async function publishUntil(messages: RedisMessages, heard: Set<string>, tag: string): Promise<boolean> {
  await messages.publish({ tags: [tag] }).catch(() => {})
  await sleep(20)
  return heard.has(tag)
}
