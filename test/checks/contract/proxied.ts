import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { register } from '../../support/actors.ts'
import { dereference } from '../../support/dereference.ts'
import { freePort } from '../../support/port.ts'
import { startServer } from '../../support/server-process.ts'
import { type Operation, requestTo } from '../fuzz/operations.ts'
import { Chance } from '../fuzz/samples.ts'

const PRISM = fileURLToPath(new URL('tools/node_modules/.bin/prism', import.meta.url))
/** Excluded: prism would wait for the end of these streams, or they end the session. */
const LEFT_OUT = /\/events$|\/logout|\/auth\/password$/

/**
 * Sends requests that are valid by the document to the service at `url`, through prism, which compares requests and answers with it.
 * Resolves to the violations that prism found.
 */
export async function proxied(document: string, url: string, requests: number): Promise<string[]> {
  // The schemas of the document, where `dereference` puts them.
  const { paths } = dereference(JSON.parse(await readFile(document, 'utf8'))) as {
    paths: Record<string, Record<string, Operation>>
  }
  const operations = Object.entries(paths)
    .filter(([path]) => !LEFT_OUT.test(path))
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))
  const { cookie } = await register(url, 'proxied')
  const port = await freePort()
  const prism = await startServer(PRISM, ['proxy', document, url, '--errors', '--port', String(port)], /is listening/)
  const chance = new Chance(1)
  const findings: string[] = []
  try {
    for (let sent = 0; sent < requests; sent++) {
      const { path, method = 'get', operation } = operations[sent % operations.length] ?? {}
      if (path === undefined || operation === undefined) throw new Error('the document has no operations')
      const { path: target, headers, body = null } = requestTo(path, operation, chance, 0)
      const answer = await fetch(`http://127.0.0.1:${port}${target}`, {
        method: method.toUpperCase(),
        headers: { ...headers, cookie },
        body
      })
      const text = await answer.text()
      if (answer.ok) chance.remember(text)
      if (text.includes('stoplight.io/prism')) findings.push(`${method} ${target} ${body ?? ''}: ${text}`)
    }
  } finally {
    await prism.kill('SIGTERM')
  }
  return findings
}
