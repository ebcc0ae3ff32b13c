import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from './eventually.ts'
import { freePort } from './port.ts'
import { startServer } from './server-process.ts'
import { script, temporaryFolder } from './service.ts'

const START_MS = 10_000

/** A real cache in front of the service at `url`. */
export interface SharedCache {
  readonly url: string
  /** The folder of its stored responses; null if they are in memory. */
  readonly folder: string | null
}

/**
 * Starts nginx in front of these processes of the service, with the documented configuration. It uses TLS only if there
 * is a folder with a key and a certificate; then it redirects plain HTTP at `plain`.
 */
export async function startNginx(
  t: Test,
  services: readonly string[],
  certificates: string | null = null
): Promise<SharedCache & { plain: string }> {
  const folder = await temporaryFolder(t)
  const cache = join(folder, 'cache')
  const [port, plain, own] = [await freePort(), await freePort(), await readFile(script('ops/nginx.conf'), 'utf8')]
  const server = (host: string) => `server ${host} max_fails=0;`
  const site = replaced(own.replace(/^ *listen \[::\].*\n/gm, ''), [
    [
      `${server('127.0.0.1:3000')}\n  ${server('127.0.0.1:3001')}`,
      services.map((url) => server(new URL(url).host)).join('\n  ')
    ],
    ['listen 80;', `listen 127.0.0.1:${plain};`],
    ['listen 443 ssl', `listen 127.0.0.1:${port}${certificates === null ? '' : ' ssl'}`],
    ['/etc/ssl/aikademiya', certificates ?? ''],
    ['/var/cache/nginx-aikademiya', cache],
    ['/var/log/nginx/', `${folder}/`]
  ]).replace(certificates === null ? /^ *ssl_.*\n| http2/gm : '', '')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`
  )
  const main = `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice; events {}
    http { access_log off; ${paths.join(' ')}\n${site} }`
  await mkdir(cache)
  await writeFile(join(folder, 'nginx.conf'), main)
  // Without `-e`, nginx 1.22 needs its default error log to be writable until it has read the configuration.
  const nginx = await startServer(
    'nginx',
    ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
    /start worker|notice/
  )
  t.teardown(() => nginx.kill('SIGTERM'))
  const url = `${certificates === null ? 'http' : 'https'}://127.0.0.1:${port}`
  // Waits for the redirect, which needs no certificate.
  await reachable(`http://127.0.0.1:${plain}`)
  return { url, plain: `http://127.0.0.1:${plain}`, folder: cache }
}

/** Starts Varnish with the documented configuration, or with none (`null`). */
export async function startVarnish(t: Test, service: string, vcl: 'ops/varnish.vcl' | null): Promise<SharedCache> {
  const folder = await temporaryFolder(t)
  // If started by root, it reads the file as another user.
  await chmod(folder, 0o755)
  const port = await freePort()
  const { host, port: servicePort, hostname } = new URL(service)
  let backend = ['-b', host]
  if (vcl !== null) {
    const file = join(folder, 'default.vcl')
    await writeFile(
      file,
      replaced(await readFile(script(vcl), 'utf8'), [
        ['"127.0.0.1"', `"${hostname}"`],
        ['"3000"', `"${servicePort}"`]
      ])
    )
    backend = ['-f', file]
  }
  const listen = ['-a', `127.0.0.1:${port}`, '-s', 'malloc,32m', '-n', join(folder, 'varnish')]
  const varnish = await startServer('varnishd', ['-F', ...listen, ...backend], /said Child starts/)
  t.teardown(() => varnish.kill('SIGTERM'))
  const url = `http://127.0.0.1:${port}`
  await reachable(url)
  return { url, folder: null }
}

function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  for (const [from, to] of pairs) {
    if (!text.includes(from)) throw new Error(`the configuration does not contain ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}

async function reachable(url: string): Promise<void> {
  const answers = () =>
    fetch(`${url}/health/live`, { redirect: 'manual' }).then(
      ({ status }) => status < 400,
      () => false
    )
  await until(answers, START_MS)
}
