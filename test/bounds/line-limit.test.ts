import t from 'tap'
import { LineLimit } from '#bounds/line-limit.ts'

t.test('lines are limited per second, and the next line reports how many were omitted', async (t) => {
  const lines = new LineLimit(2)
  t.same(
    [1000, 1001, 1002, 1003].map((now) => lines.take(now)),
    [{}, {}, null, null]
  )
  t.same(lines.take(2000), { leftOut: 2 })
  t.same(lines.take(2001), {})
  t.equal(lines.take(2002), null)
})

t.test('a longer window starts with its first line', async (t) => {
  const lines = new LineLimit(1, 60_000)
  t.same(
    [5000, 64_999, 65_000].map((now) => lines.take(now)),
    [{}, null, { leftOut: 1 }]
  )
})
