import t from 'tap'
import { register } from '../support/actors.ts'
import { send, sendBytes } from '../support/http.ts'
import { startService } from '../support/service.ts'

/** The routes of the application, as `GET /health/live`, parsed from the tree that Fastify prints. */
function routesOf(tree: string): string[] {
  const path: string[] = []
  return tree.split('\n').flatMap((line) => {
    const found = /^(?<indent>.*)[├└]── (?<part>\S*)(?: \((?<methods>[^)]+)\))?/.exec(line)?.groups
    if (found?.indent === undefined) return []
    const depth = found.indent.length / 4
    path.length = depth
    path.push(found.part ?? '')
    const methods = found.methods?.split(', ') ?? []
    return methods.map((method) => `${method} ${path.join('')}`)
  })
}

t.test('every route has a limit', async (t) => {
  const { app, url } = await startService(t)
  const routes = routesOf(app.printRoutes({ commonPrefix: false }))
  const known = ['GET /health/ready', 'GET /metrics', 'GET /docs/json', 'POST /api/v1/auth/logout', 'OPTIONS *']
  for (const route of known) t.ok(routes.includes(route), `${route} is in the list`)
  t.ok(routes.length > 90, `${routes.length}`)

  const generous = /^(GET|HEAD) \/(health\/|metrics|admin\/redis-stats\/?$)|^POST .*\/logout$|^OPTIONS/
  for (const route of [
    // The tree prints the static files of the documentation this way; real paths to them are below.
    ...routes.filter((route) => !route.endsWith(' /docs*')),
    'GET /nowhere',
    'POST /api/v1/nowhere',
    'GET /docs/static/*',
    'GET /docs/static/nowhere.js'
  ]) {
    const [method = '', pattern = ''] = route.split(' ')
    const path = pattern.replaceAll(/:\w+/g, '1').replace('*', 'swagger-ui.css')
    const target = path.replace(/^(?!\/)/, '/')
    // `fetch` does not send a TRACE.
    const { status, headers } =
      method === 'TRACE'
        ? await sendBytes(url, `TRACE ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        : await send(url + target, { method, headers: { origin: url } })
    const limit = headers.get('x-ratelimit-limit')
    t.match(limit, /^\d+$/, `${route}: ${status}`)
    t.ok(Number(headers.get('x-ratelimit-remaining')) < Number(limit), route)
    t.equal(limit === '1200', generous.test(route), route)
  }
})

t.test('a client that has used up its limit', async (t) => {
  const { url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '4', RATE_LIMIT_USER: '2' })
  const ann = await register(url, 'ann')
  const statuses = async (paths: string[]) => {
    const found = []
    for (const path of paths) found.push((await send(url + path)).status)
    return found
  }

  await t.test('is refused on unknown routes too', async (t) => {
    t.same(
      await statuses(['/nowhere', '/nowhere', '/api/v1/nowhere', '/nowhere', '/nowhere']),
      [404, 404, 404, 404, 429]
    )
    t.same(await statuses(['/openapi.json', '/docs', '/docs/static/swagger-ui.css']), [429, 429, 429])
  })

  await t.test('may still sign out and read health and metrics', async (t) => {
    for (let n = 0; n < 3; n++) await ann.get('/api/v1/users/me')
    t.equal((await ann.request('POST', '/api/v1/auth/logout')).status, 204)
    t.same(await statuses(['/health/live', '/health/ready', '/metrics', '/admin/redis-stats/']), [200, 200, 200, 401])
  })
})
