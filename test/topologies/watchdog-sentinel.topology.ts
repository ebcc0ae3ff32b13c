import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { TcpProxy } from '../checks/coherence/tcp-proxy.ts'
import { startSentinel } from '../support/topologies.ts'
import { answers, comesBack, open } from '../support/watched-clients.ts'

const { url } = await startSentinel(t)

t.test('Sentinel', (t) => comesBack(t, url))

t.test('a client connects once sentinels that did not answer do so', async (t) => {
  const ports = [...url.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))
  const proxies = await Promise.all(ports.map((port) => TcpProxy.start(port)))
  for (const proxy of proxies) proxy.silence()
  const client = open(t, `redis+sentinel://${proxies.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main/0`)
  await sleep(5000)
  t.not(client.status, 'ready')
  for (const proxy of proxies) proxy.open()
  await answers(client)
})
