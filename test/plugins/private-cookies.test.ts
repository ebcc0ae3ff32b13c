import t from 'tap'
import { Actor, register } from '../support/actors.ts'
import { startService } from '../support/service.ts'

t.test('an answer that sets a cookie is not stored by shared caches, even on a public route', async (t) => {
  const { url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '0' })
  const ann = await register(url, 'ann')
  const forged = new Actor(url, `${ann.cookie.slice(0, -4)}AAAA`)
  for (const outcome of ['MISS', 'HIT']) {
    const { headers } = await forged.get('/api/v1/courses?sort=title')
    t.equal(headers.get('x-cache'), outcome)
    t.match(headers.getSetCookie(), [/^sid=; Max-Age=0/], 'an invalid cookie is cleared')
    t.equal(headers.get('cache-control'), 'private, no-store', outcome)
  }
  const visitor = await new Actor(url).get('/api/v1/courses?sort=title')
  t.same([visitor.headers.getSetCookie(), visitor.headers.get('cache-control')], [[], 'public, no-cache'])
})
