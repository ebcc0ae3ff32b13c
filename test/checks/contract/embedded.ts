import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#config/config.ts'
import type { Environment } from '#config/environment.ts'
import { buildApp } from '../../../src/app.ts'
import type { Service } from '../../support/service.ts'

/** Runs `task` with a new embedded service of this tree, and stops it afterwards. */
export async function withEmbedded(env: Environment, task: (service: Service) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'aikademiya-contract-'))
  const app = await buildApp(readConfig({ LOG_LEVEL: 'fatal', ...env, DATA_DIR: dataDir }))
  try {
    await task({ app, url: await app.listen({ port: 0, host: '127.0.0.1' }) })
  } finally {
    await app.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}
