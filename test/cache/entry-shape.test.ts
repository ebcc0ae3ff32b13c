import t from 'tap'
import { createEntry, matchesSpec } from '../../src/cache/entry.ts'

t.test('an entry of another shape does not match the spec, even if its text fits the schema', async (t) => {
  const entry = createEntry('version-1', '{}', { tags: ['course:1'], stamps: ['a'] })
  t.equal(matchesSpec(entry, { shape: 'version-1', tags: ['course:1'] }), true)
  t.equal(matchesSpec(entry, { shape: 'version-2', tags: ['course:1'] }), false)
})
