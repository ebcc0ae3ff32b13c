import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { type Config, readConfig } from '#config/config.ts'
import type { Environment } from '#config/environment.ts'
import { buildApp } from '../../src/app.ts'
import { copySeededDataDir } from './seeded-data-dir.ts'
import { frontDoor, inherited, ownNode, type ServerProcess, startServer } from './server-process.ts'

export interface Service {
  readonly app: FastifyInstance
  /** Where it listens, as `http://127.0.0.1:40123`. */
  readonly url: string
}

export interface Extension {
  /** Adds hooks and routes: passed to `buildApp`. */
  readonly extend?: (app: FastifyInstance) => void | Promise<void>
  /** How long readers wait for a load by another reader, in ms. */
  readonly maxLoadMs?: number
  /** Limits of its connections. */
  readonly server?: Partial<Config['server']>
}

/**
 * The tests run in the same process and delay the event loop, so its lag says nothing about the load of the service.
 */
const SHARED_EVENT_LOOP = { maxEventLoopDelayMs: 0 }

/** All clients of a test share one address, and those that do not read an answer open a connection for each request. */
export const manyClients = { MAX_CONNECTIONS_PER_ADDRESS: '5000' }

/** Starts the service in this process on a free port, embedded unless `env` says otherwise. It stops with the test. */
export async function startService(
  t: Test,
  env: Environment = {},
  { extend, maxLoadMs, server }: Extension = {}
): Promise<Service> {
  const dataDir = await temporaryFolder(t)
  const startsSeeded = [env.DATABASE_URL, env.DATA_DIR, env.SEED].every((value) => value === undefined)
  if (startsSeeded) await copySeededDataDir(dataDir)
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...manyClients, ...frontDoor, ...env })
  const cache = maxLoadMs === undefined ? config.cache : { ...config.cache, maxLoadMs }
  const app = await buildApp(
    { ...config, cache, server: { ...config.server, ...SHARED_EVENT_LOOP, ...server } },
    extend
  )
  t.teardown(() => app.close())
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

/** The path of a file of the repository. */
export function script(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url))
}

type Command = readonly [string, ...string[]]

/**
 * Starts the service in a separate process, from this copy of the repository or another, with this command. The caller
 * ends it.
 */
export async function spawnService(
  env: Environment,
  root = script(''),
  [command, ...args]: Command = [...ownNode, join(root, 'src', 'server.ts')]
): Promise<ServerProcess & { url: string }> {
  const listening = /Server listening at (http:\/\/[^"]+)/
  const child = await startServer(command, args, listening, { cwd: root, env: { ...inherited, PORT: '0', ...env } })
  const url = listening.exec(child.output())?.[1]
  if (url === undefined) throw new Error('no URL')
  return { ...child, url }
}

/** A new folder that is removed with the test. */
export async function temporaryFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aikademiya-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
