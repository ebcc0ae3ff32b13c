import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from './eventually.ts'
import { freePort } from './port.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { script, temporaryFolder } from './service.ts'

const START_MS = 10_000

/** A real cache in front of the service at `url`. */
export interface SharedCache {
  readonly url: string
  /** Where it keeps what it keeps, null where that is memory. */
  readonly folder: string | null
}

/** nginx, with the configuration that the documentation names. */
export async function startNginx(t: Test, service: string): Promise<SharedCache> {
  const folder = await temporaryFolder(t)
  const cache = join(folder, 'cache')
  const [port, own] = [await freePort(), await readFile(script('ops/nginx.conf'), 'utf8')]
  const site = replaced(own, [
    ['127.0.0.1:3000', new URL(service).host],
    ['listen 8080', `listen 127.0.0.1:${port}`],
    ['/var/cache/nginx/ai-akademiya', cache]
  ])
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`
  )
  const main = `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice; events {}
    http { access_log off; ${paths.join(' ')}\n${site} }`
  await mkdir(cache)
  await writeFile(join(folder, 'nginx.conf'), main)
  // 1.22 wants it writable before the configuration names another.
  const nginx = await startServer(
    'nginx',
    ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
    /start worker|notice/
  )
  return { url: await reachable(t, nginx, port), folder: cache }
}

/** Varnish, with the configuration that the documentation names, or with none (`null`). */
export async function startVarnish(t: Test, service: string, vcl: 'ops/varnish.vcl' | null): Promise<SharedCache> {
  const folder = await temporaryFolder(t)
  // Started by root, it reads as another user.
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
  return { url: await reachable(t, varnish, port), folder: null }
}

function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  for (const [from, to] of pairs) {
    if (!text.includes(from)) throw new Error(`no ${from} in the configuration`)
    text = text.replaceAll(from, to)
  }
  return text
}

async function reachable(t: Test, server: ServerProcess, port: number): Promise<string> {
  t.teardown(() => server.kill('SIGTERM'))
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/health/live`).then(
      ({ ok }) => ok,
      () => false
    )
  await until(answers, START_MS)
  return url
}
