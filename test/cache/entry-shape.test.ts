import t from 'tap'
import { createEntry, isOf } from '../../src/cache/entry.ts'

t.test('an entry of another shape is none of the spec, even where its text has the form of one', async (t) => {
  const entry = createEntry('version-1', '{}', { tags: ['course:1'], stamps: ['a'] })
  t.equal(isOf(entry, { shape: 'version-1', tags: ['course:1'] }), true)
  t.equal(isOf(entry, { shape: 'version-2', tags: ['course:1'] }), false)
})
