import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { run } from './server-process.ts'
import { temporaryFolder } from './service.ts'

/** A key and a self-signed certificate, which browsers accept if they ignore certificate errors. */
export async function certificate(t: Test): Promise<{ key: string; cert: string }> {
  const folder = await temporaryFolder(t)
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost']
  const { code, stderr } = await run('openssl', ['req', '-x509', ...ec, '-keyout', key, '-out', cert])
  if (code !== 0) throw new Error(stderr)
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
}

/** Starts an HTTPS server on a free port of this machine; resolves to the port. */
export async function listenHttps(t: Test, listener: RequestListener): Promise<number> {
  const server = createServer(await certificate(t), listener)
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server.listen(0), 'listening')
  // The address is not a string, because the server listens on a port.
  return (server.address() as AddressInfo).port
}

/** A proxy that terminates TLS in front of the service at `url`, and forwards the scheme; resolves to its port. */
export function endTls(t: Test, url: () => string): Promise<number> {
  return listenHttps(t, (incoming, outgoing) => {
    const { method = 'GET', headers, socket } = incoming
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-for': socket.remoteAddress }
    const target = new URL(incoming.url ?? '/', url())
    const request = httpRequest(target, { method, headers: { ...headers, ...forwarded } }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    outgoing.on('close', () => request.destroy())
    request.on('error', () => outgoing.destroy())
    incoming.pipe(request)
  })
}
