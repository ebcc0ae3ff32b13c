import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from './eventually.ts'
import { freePort } from './port.ts'
import { RedisServer } from './redis.ts'
import { Sentinels } from './sentinels.ts'
import { run, startServer } from './server-process.ts'

/** Owns servers, and stops them at its end. */
export interface Owner {
  teardown(task: () => unknown): void
}

/** A production-like Redis on loopback, which stops with the test. */
export interface Topology {
  readonly url: string
  readonly env?: Readonly<Record<string, string>>
  /** The number of servers that have keys of the cache. */
  readonly masters: number
  /** Kills the master that has this key, so that another one takes over. */
  readonly killMasterOf?: (key: string) => Promise<void>
  /** Promotes the replica of the master that has this key, after cutting it off from the master for this time. */
  readonly takeOver?: (key: string, lagMs: number) => Promise<void>
  /** All masters and replicas. */
  readonly servers?: readonly RedisServer[]
  /** The replicas. */
  readonly replicas?: readonly RedisServer[]
  /** Moves half the slots of the master that has this key to another master, while they are being served. */
  readonly reshard?: (key: string) => Promise<void>
}

const NODE_TIMEOUT_MS = '1000'
const CLI_MS = 60_000

async function servers(t: Owner, count: number, options: () => Promise<string[]>): Promise<RedisServer[]> {
  const started = await Promise.all(Array.from({ length: count }, async () => RedisServer.start(...(await options()))))
  t.teardown(() => Promise.all(started.map((server) => server.stop())))
  return started
}

async function cli(server: RedisServer, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('redis-cli', ['-p', String(server.port), ...args], { timeout: CLI_MS })
  if (code !== 0) throw new Error(`redis-cli ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** Three masters and three replicas. */
export async function startCluster(t: Owner): Promise<Topology> {
  const nodes = await servers(t, 6, async () => [
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    String(await freePort())
  ])
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const [first] = nodes
  if (first === undefined) throw new Error('no nodes')
  await cli(first, '--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes')
  await until(async () => {
    const infos = await Promise.all(nodes.map((node) => cli(node, 'cluster', 'info')))
    return infos.every((info) => /cluster_state:ok/.test(info) && /cluster_known_nodes:6/.test(info))
  }, 20_000)
  // Writes that are not yet replicated when a master dies are lost, so replicas must be connected first.
  await until(
    async () => (await Promise.all(nodes.map((node) => cli(node, 'role')))).join().match(/connected/g)?.length === 3,
    20_000
  )
  // Not set earlier: a node whose handshake takes longer is forgotten, and `--cluster create` waits for it forever.
  await Promise.all(nodes.map((node) => cli(node, 'config', 'set', 'cluster-node-timeout', NODE_TIMEOUT_MS)))
  const ownerOf = async (key: string) => {
    const answers = await Promise.all(nodes.map((node) => cli(node, 'get', key).catch(() => 'MOVED')))
    // A master without the slot of this key answers MOVED, and so does a replica.
    const owner = nodes[answers.findIndex((answer) => !/MOVED/.test(answer))]
    if (owner === undefined) throw new Error(`no node has ${key}`)
    return owner
  }
  return {
    url: `redis+cluster://${addresses.join(',')}`,
    masters: 3,
    servers: nodes,
    killMasterOf: async (key) => (await ownerOf(key)).kill(),
    takeOver: async (key, lagMs) => {
      const master = await ownerOf(key)
      const [id = ''] = /^(\w+) \S+ \S*myself/m.exec(await cli(master, 'cluster', 'nodes'))?.slice(1) ?? []
      const port = new RegExp(`^\\w+ 127\\.0\\.0\\.1:(\\d+)@\\d+ slave ${id} `, 'm').exec(
        await cli(master, 'cluster', 'nodes')
      )?.[1]
      const replica = nodes.find((node) => node.port === Number(port))
      if (replica === undefined) throw new Error(`no replica of ${id}`)
      // The replica cannot authenticate at its master, so it gets no more data.
      await cli(replica, 'config', 'set', 'masteruser', 'nobody', 'masterauth', 'nothing')
      await cli(master, 'client', 'kill', 'type', 'replica')
      await sleep(lagMs)
      await cli(replica, 'cluster', 'failover', 'takeover')
      await cli(replica, 'config', 'set', 'masteruser', '', 'masterauth', '')
    },
    reshard: async (key) => {
      const from = await ownerOf(key)
      const lines = (await cli(from, 'cluster', 'nodes')).split('\n')
      const masters = lines.filter((line) => /master/.test(line) && !/fail/.test(line))
      const [fromId = ''] = masters.find((line) => /myself/.test(line))?.split(' ') ?? []
      const [toId = ''] = masters.find((line) => !/myself/.test(line))?.split(' ') ?? []
      const size = /(\d+)-(\d+)/.exec(
        masters
          .find((line) => /myself/.test(line))
          ?.split(' ')
          .slice(8)
          .join(' ') ?? ''
      )
      const slots = String(Math.floor((Number(size?.[2]) - Number(size?.[1])) / 2))
      const where = ['--cluster-from', fromId, '--cluster-to', toId, '--cluster-slots', slots]
      await cli(from, '--cluster', 'reshard', `127.0.0.1:${from.port}`, ...where, '--cluster-yes')
    }
  }
}

/** A primary, two replicas, three sentinels. */
export async function startSentinel(t: Owner): Promise<Topology> {
  const sentinels = await Sentinels.start(t, { replicas: 2, downAfterMs: 500, failoverTimeoutMs: 3000 })
  const [primary, ...replicas] = sentinels.servers
  return {
    url: sentinels.url,
    masters: 1,
    servers: sentinels.servers,
    replicas,
    killMasterOf: async () => primary?.kill()
  }
}

/**
 * One server with TLS only, which requires a client certificate, and one user with only the rights that the service
 * needs.
 */
export async function startTls(t: Owner): Promise<Topology> {
  const folder = await mkdtemp(join(tmpdir(), 'aikademiya-tls-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const at = (name: string) => join(folder, name)
  const openssl = async (...args: string[]) => {
    const { code, stderr } = await run('openssl', args)
    if (code !== 0) throw new Error(stderr)
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-x509', ...key, '-subj', '/CN=ca', '-days', '2', '-keyout', at('ca.key'), '-out', at('ca.crt'))
  await writeFile(at('names'), 'subjectAltName=IP:127.0.0.1')
  for (const name of ['server', 'client']) {
    await openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`))
    const signed = [
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      at('names')
    ]
    await openssl('x509', '-req', '-in', at(`${name}.csr`), ...signed, '-out', at(`${name}.crt`))
  }
  const port = await freePort()
  const tls = ['--tls-port', String(port), '--tls-cert-file', at('server.crt'), '--tls-key-file', at('server.key')]
  const acl = [
    '--user',
    'default',
    'off',
    '--user',
    'api',
    'on',
    '>p@ss:w/rd',
    '~aikademiya:*',
    '&aikademiya:*',
    '+@all',
    '-@dangerous',
    '+info',
    '+slowlog'
  ]
  const args = ['--port', '0', ...tls, '--tls-ca-cert-file', at('ca.crt'), '--bind', '127.0.0.1', '--save', '', ...acl]
  const server = await startServer('redis-server', args, /Ready to accept connections/, { cwd: folder })
  t.teardown(() => server.kill('SIGKILL'))
  const files = new URLSearchParams({ ca: at('ca.crt'), cert: at('client.crt'), key: at('client.key') })
  return { url: `rediss://api:${encodeURIComponent('p@ss:w/rd')}@127.0.0.1:${port}?${files}`, masters: 1 }
}

/** Two plain servers: one for the cache, one for sessions and limits. */
export async function startSeparate(t: Owner): Promise<Topology> {
  const [cache, people] = await servers(t, 2, async () => [])
  if (cache === undefined || people === undefined) throw new Error('no servers')
  return { url: cache.url, env: { REDIS_SESSION_URL: people.url, REDIS_LIMIT_URL: people.url }, masters: 1 }
}
