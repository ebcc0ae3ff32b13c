import t from 'tap'
import { cookieValues } from '#sessions/session-cookie.ts'

const WITHIN_MS = 200

t.test('cookieValues returns every value of a repeated cookie', async (t) => {
  t.same(cookieValues('sid=a; other=b; sid = c ', 'sid'), ['a', 'c'])
  t.same(cookieValues('sid=a', 'sid'), [], 'a single cookie is left to the cookie parser')
  t.same(cookieValues('sid; sid=%zz; =sid', 'sid'), ['%zz'])
})

t.test('any header is parsed in linear time', async (t) => {
  for (const filler of [' ', '\t', '=', ';', 'a', '%', ' =', '; ']) {
    const header = `sid=a;${filler.repeat(32_000 / filler.length)}x;sid=b`
    const start = performance.now()
    t.equal(cookieValues(header, 'sid').at(-1), 'b')
    t.ok(performance.now() - start < WITHIN_MS, JSON.stringify(filler))
  }
})
