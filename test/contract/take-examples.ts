/** Writes src/http/openapi-examples.json anew, from what the service of this tree answers: `node test/contract/take-examples.ts`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#config/config.ts'
import { buildApp } from '../../src/app.ts'
import { examplesEnvironment, takeExamples } from '../support/examples.ts'

const FILE = new URL('../../src/http/openapi-examples.json', import.meta.url)

const dataDir = await mkdtemp(join(tmpdir(), 'aikademiya-examples-'))
const app = await buildApp(readConfig({ ...examplesEnvironment, DATA_DIR: dataDir, LOG_LEVEL: 'fatal' }))
const url = await app.listen({ port: 0, host: '127.0.0.1' })
await writeFile(FILE, `${JSON.stringify(await takeExamples({ app, url }), null, 2)}\n`)
await app.close()
await rm(dataDir, { recursive: true, force: true })
