import t from 'tap'
import { cookieValues } from '#sessions/session-cookie.ts'

const WITHIN_MS = 200

t.test('the values of a cookie that is there more than once', async (t) => {
  t.same(cookieValues('sid=a; other=b; sid = c ', 'sid'), ['a', 'c'])
  t.same(cookieValues('sid=a', 'sid'), [], 'once is what parsers of cookies do')
  t.same(cookieValues('sid; sid=%zz; =sid', 'sid'), ['%zz'])
})

t.test('no header, however it is made, takes longer than its length', async (t) => {
  for (const filler of [' ', '\t', '=', ';', 'a', '%', ' =', '; ']) {
    const header = `sid=a;${filler.repeat(32_000 / filler.length)}x;sid=b`
    const start = performance.now()
    t.equal(cookieValues(header, 'sid').at(-1), 'b')
    t.ok(performance.now() - start < WITHIN_MS, JSON.stringify(filler))
  }
})
