import t from 'tap'
import { loggedUrl } from '#logging/logged-url.ts'

t.test('tokens are removed from logged URLs', async (t) => {
  t.equal(loggedUrl('/api/v1/courses?search=go'), '/api/v1/courses?search=go')
  t.equal(loggedUrl('/api/v1/courses?access_token=aka_secret'), '/api/v1/courses?access_token=aka_[hidden]')
  for (const name of ['token', '%74oken', 't%6Fk%65n']) {
    t.equal(loggedUrl(`/admin/redis-stats/?${name}=secret&x=1`), `/admin/redis-stats/?${name}=[hidden]&x=1`)
  }
  t.equal(loggedUrl('x'.repeat(1000)).length, 512)
})
