import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#config/config.ts'
import { buildApp } from '../../src/app.ts'

/** Writes `openapi.json`, as the service of this tree answers it, to `file`. */
export async function writeDocument(file: string): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'aikademiya-contract-'))
  const app = await buildApp(readConfig({ DATA_DIR: dataDir, SEED: 'none', LOG_LEVEL: 'silent' }))
  try {
    await writeFile(file, (await app.inject('/openapi.json')).body)
  } finally {
    await app.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}
