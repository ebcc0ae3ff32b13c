/**
 * `npm run check:fuzz [-- --requests 10000 --seed 1]`: sends valid and invalid requests generated from the OpenAPI document,
 * as a visitor, a student, an author and an admin, to existing and missing resources. No answer may be 500 or contradict the document.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { readConfig } from '#config/config.ts'
import { buildApp } from '../../../src/app.ts'
import { dereference } from '../../support/dereference.ts'
import { type FuzzRequest, type Operation, requestTo } from './operations.ts'
import { Chance, type Schema } from './samples.ts'

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } }
})
const total = Number(values.requests)
const chance = new Chance(Number(values.seed))
if (!(total > 0)) {
  console.error('usage: npm run check:fuzz -- [--requests N] [--seed N]')
  process.exit(2)
}

const dataDir = await mkdtemp(join(tmpdir(), 'aikademiya-fuzz-'))
const admin = { email: 'admin@example.org', password: 'admin password' }
const limitsOff = { RATE_LIMIT_ANONYMOUS: '0', RATE_LIMIT_USER: '0', RATE_LIMIT_GENERATION: '0' }
const app = await buildApp(
  readConfig({
    DATA_DIR: dataDir,
    LOG_LEVEL: 'fatal',
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    ...limitsOff
  })
)
const url = await app.listen({ port: 0, host: '127.0.0.1' })
// The schemas of the document are JSON Schema, and validate the answers.
const document = dereference(await (await fetch(`${url}/openapi.json`)).json()) as {
  paths: Record<string, Record<string, Operation>>
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
)

const ajv = new Ajv.default({ strict: false })
addFormats.default(ajv)

/** A sender of requests; a visitor has no credentials. Sessions that requests end and roles that they change are restored. */
interface Sender {
  readonly credentials: { email: string; password: string } | null
  readonly role: 'student' | 'author' | 'admin'
  cookie: string
}
const visitor: Sender = { credentials: null, role: 'student', cookie: '' }
const senders = [visitor, await register('student'), await register('author'), await signIn('admin', admin)] as const
const statuses = new Map<number, number>()
const faults: string[] = []

for (let sent = 0; sent < total; sent++) {
  const { path, method, operation } = operations[sent % operations.length] ?? {
    path: '/',
    method: 'GET',
    operation: { responses: {} }
  }
  const request = requestTo(path, operation, chance)
  await send(method, path, operation, request, chance.of(senders))
  if (sent % 1000 === 999) process.stderr.write(`${sent + 1} requests\n`)
}

console.log(`${total} requests to ${operations.length} operations, seed ${values.seed}`)
for (const [status, count] of [...statuses].sort(([a], [b]) => a - b)) console.log(`  ${status}: ${count}`)
console.log(`${faults.length} answers are 500 or contradict the document`)
for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`)
await app.close()
await rm(dataDir, { recursive: true, force: true })
process.exit(faults.length === 0 ? 0 : 1)

async function send(
  method: string,
  path: string,
  operation: Operation,
  request: FuzzRequest,
  sender: Sender
): Promise<void> {
  const { cookie } = sender
  const headers = cookie === '' ? request.headers : { ...request.headers, cookie }
  const answer = await fetch(url + request.path, { method, headers, body: request.body ?? null, redirect: 'manual' })
  const text = await bodyOf(answer)
  const { status } = answer
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
  if (answer.ok) chance.remember(text)
  if (answer.ok && path.startsWith('/api/v1/auth/')) await signInAgain(sender)
  if (answer.ok && method === 'PATCH' && path === '/api/v1/users/{id}') await restoreRoles()
  const fault = contradiction(status, text, operation)
  if (fault !== null)
    faults.push(
      `${method} ${path} -> ${status}: ${fault}; ${request.path.slice(0, 200)} ${request.body?.slice(0, 200) ?? ''} ${text.slice(0, 200)}`
    )
}

function contradiction(status: number, text: string, { responses }: Operation): string | null {
  if (status >= 500) return 'an error of the service'
  // Not an answer of the operation: the parameters made the path malformed, or that of another route.
  if (status === 414 || /Route not found|METHOD_NOT_ALLOWED|MALFORMED_URL/.test(text)) return null
  const response = responses[status]
  if (response === undefined) return 'this status is not documented'
  const schema: Schema | undefined = response.content?.['application/json']?.schema
  if (schema === undefined || text === '') return null
  const valid = ajv.validate(schema, JSON.parse(text))
  return valid ? null : ajv.errorsText()
}

async function register(name: 'student' | 'author'): Promise<Sender> {
  const credentials = { email: `${name}@example.org`, password: `${name} password` }
  await post('/register', { ...credentials, name })
  return signIn(name, credentials)
}

async function signIn(role: Sender['role'], credentials: { email: string; password: string }): Promise<Sender> {
  const sender = { credentials, role, cookie: '' }
  await signInAgain(sender)
  await restoreRole(sender)
  return sender
}

async function signInAgain(sender: Sender): Promise<void> {
  if (sender.credentials === null) return
  const answer = await post('/login', sender.credentials)
  if (!answer.ok) throw new Error(`${sender.credentials.email} cannot sign in: ${await answer.text()}`)
  sender.cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

async function restoreRoles(): Promise<void> {
  for (const sender of senders) await restoreRole(sender)
}

async function restoreRole({ credentials, role }: Sender): Promise<void> {
  if (credentials === null) return
  await app.database.client.user.updateMany({
    where: { email: credentials.email, role: { not: role } },
    data: { role }
  })
}

function post(path: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/api/v1/auth${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** The text of an answer, or '' for a stream, which may last a minute. */
async function bodyOf(answer: Response): Promise<string> {
  if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer.text()
  await answer.body?.cancel()
  return ''
}
