import t from 'tap'
import { Holdings } from '#bounds/holdings.ts'

t.test('holdings are counted per key', async (t) => {
  const held = new Holdings<string>()
  for (const key of ['a', 'a', 'b']) held.add(key)
  t.same([held.of('a'), held.of('b'), held.of('c')], [2, 1, 0])
  held.release('a')
  held.release('b')
  t.same([held.of('a'), held.of('b')], [1, 0])
  held.release('b')
  t.equal(held.of('b'), 0, 'the count is never negative')
})
