import t from 'tap'
import { LinesASecond } from '#logging/lines-a-second.ts'

t.test('so many lines a second, and the next one says how many were left out', async (t) => {
  const lines = new LinesASecond(2)
  t.same(
    [1000, 1001, 1002, 1003].map((now) => lines.take(now)),
    [{}, {}, null, null]
  )
  t.same(lines.take(2000), { leftOut: 2 })
  t.same(lines.take(2001), {})
  t.equal(lines.take(2002), null)
})
