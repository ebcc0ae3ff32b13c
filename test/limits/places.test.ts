import t from 'tap'
import { Places } from '#limits/places.ts'

const options = { code: 'TOO_MANY_STREAMS' as const, what: 'streams', retryAfterS: 15 }

t.test('places are limited per holder and in total', async (t) => {
  const places = new Places({ ...options, max: 3, maxPerHolder: 2 })
  const release = places.take(1)
  places.take(1)
  t.throws(() => places.take(1), {
    statusCode: 429,
    code: 'TOO_MANY_STREAMS',
    headers: { 'Retry-After': '15' },
    message: /2 streams/
  })
  places.take(2)
  t.throws(() => places.take(3), { statusCode: 503, code: 'OVERLOADED', headers: { 'Retry-After': '15' } })
  t.equal(places.taken, 3, 'a refused request takes no place')
  release()
  release()
  t.equal(places.taken, 2, 'a place is returned only once')
  places.take(3)
})

t.test('0 turns a limit off', async (t) => {
  const places = new Places({ ...options, max: 0, maxPerHolder: 0 })
  const releases = Array.from({ length: 100 }, () => places.take(1))
  for (const release of releases) release()
  t.equal(places.taken, 0)
})
