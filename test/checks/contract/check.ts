/**
 * `npm run check:contract [-- --lint]`: checks the OpenAPI document and the service with the tools of integrators.
 * redocly and spectral lint it, a typed client is generated from it, compiled strictly and run, and prism, as a proxy,
 * compares requests and answers with it. Exits with 1 on any finding; `--lint` runs the two linters only.
 */
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../support/server-process.ts'
import { spawnService } from '../../support/service.ts'
import { writeDocument } from './document.ts'
import { proxied } from './proxied.ts'

/** A separate package, so that `npm ci` of the service does not install these tools. */
const TOOLS = fileURLToPath(new URL('tools', import.meta.url))
const TSC = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url))
const REQUESTS = 200

const folder = await mkdtemp(join(tmpdir(), 'aikademiya-contract-'))
const document = join(folder, 'openapi.json')
let findings = 0

try {
  await installTools()
  await writeDocument(document)
  console.log(`openapi.json: ${statSync(document).size} bytes`)
  await tool('redocly lint', 'redocly', ['lint', '--config', 'redocly.yaml', document])
  await tool('spectral lint', 'spectral', ['lint', '--ruleset', 'spectral.yaml', '--fail-severity', 'hint', document])
  if (!process.argv.includes('--lint')) await useDocument()
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit(findings === 0 ? 0 : 1)

async function useDocument(): Promise<void> {
  const types = join(TOOLS, 'document.d.ts')
  await tool('a typed client is generated', 'openapi-typescript', [document, '--output', types])
  await tool('the typed client compiles strictly', TSC, ['--project', TOOLS])
  const service = await spawnService({
    DATA_DIR: join(folder, 'data'),
    RATE_LIMIT_ANONYMOUS: '0',
    RATE_LIMIT_USER: '0',
    RATE_LIMIT_GENERATION: '0'
  })
  try {
    await tool('the typed client runs', process.execPath, [join(TOOLS, 'drive.ts'), service.url])
    report(`prism proxy --errors, ${REQUESTS} requests`, await proxied(document, service.url, REQUESTS))
  } finally {
    await service.kill('SIGTERM')
  }
}

/** Installs the locked versions unless they are installed. */
async function installTools(): Promise<void> {
  const installed = join(TOOLS, 'node_modules/.package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(join(TOOLS, 'package-lock.json')).mtimeMs) return
  console.log('installing the tools')
  const { code, stderr } = await run('npm', ['ci', '--ignore-scripts', '--silent'], { cwd: TOOLS })
  if (code !== 0) throw new Error(stderr)
}

async function tool(name: string, command: string, args: string[]): Promise<void> {
  const path = command.includes('/') ? command : join(TOOLS, 'node_modules/.bin', command)
  const { code, stdout, stderr } = await run(path, args, { cwd: TOOLS })
  report(name, code === 0 ? [] : [`${stdout}${stderr}`])
}

function report(name: string, found: readonly string[]): void {
  findings += found.length
  console.log(`${name}: ${found.length === 0 ? 'nothing found' : `${found.length} findings`}`)
  for (const finding of found) console.log(finding)
}
