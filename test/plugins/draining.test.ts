import t from 'tap'
import { send } from '../support/http.ts'
import { startService } from '../support/service.ts'

t.test('a draining service answers every request, and closes each connection after its answer', async (t) => {
  const { app, url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '0' })
  const paths = ['/api/v1/courses/1', '/api/v1/courses?limit=0', '/nothing', '/health/live']
  const answers = () => Promise.all(paths.map((path) => send(url + path)))
  const statuses = [200, 400, 404, 200]
  for (const [i, { status, headers }] of (await answers()).entries()) {
    t.same([status, headers.get('connection')], [statuses[i], 'keep-alive'])
  }
  const drained = app.drain()
  for (const [i, { status, headers }] of (await answers()).entries()) {
    t.same([status, headers.get('connection')], [statuses[i], 'close'])
  }
  t.equal((await send(`${url}/health/ready`)).status, 503, 'a load balancer sends requests elsewhere')
  await drained
})
