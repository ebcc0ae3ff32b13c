import { Redis } from 'ioredis'
import t from 'tap'
import { REVIVED } from '#redis/watchdog.ts'
import { RedisMessages } from '../../src/cache/invalidation/messages.ts'
import { TcpProxy } from '../checks/coherence/tcp-proxy.ts'
import { until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'
import { ANSWER_MS, answers, BACK_MS, comesBack, open, publishUntil, subscribed } from '../support/watched-clients.ts'

/** Slack for a busy machine. */
const SLACK_MS = 1000

const server = await RedisServer.start()
t.teardown(() => server.stop())

t.test('a client of one Redis reconnects', (t) => comesBack(t, server.url))

t.test('a client disconnected during its reconnect pause is not left disconnected', async (t) => {
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

t.test('a Redis that accepts connections but never answers is noticed', async (t) => {
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
  // No command is sent, so only the watchdog can notice.
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
