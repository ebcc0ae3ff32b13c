import t from 'tap'
import { Type } from 'typebox'
import {
  createEntry,
  createNegativeEntry,
  decodeEntry,
  type Entry,
  encodeEntry,
  isCurrent,
  isNegative,
  isStamped,
  matchesSpec,
  newStamp
} from '../../src/cache/entry.ts'
import { shapeOf } from '../../src/cache/shape.ts'

const SHAPE = 'x-_9'
const STAMPED = { tags: ['courses', 'user:7:progress'], stamps: [newStamp(), newStamp()] }
const ONE = { tags: ['course:1'], stamps: [newStamp()] }
const ENTRIES: Record<string, Entry> = {
  'a value': createEntry(SHAPE, '{"id":1}', STAMPED),
  'a value without tags': createEntry(SHAPE, '{"id":1}'),
  'a value of one tag': createEntry(SHAPE, '[1,2]', ONE),
  'an empty value': createEntry(SHAPE, '', STAMPED),
  'a multi-line value with spaces and commas': createEntry(SHAPE, '1 2,3\n\n4 "x"\n', STAMPED),
  'a value in Russian, with an emoji': createEntry(SHAPE, '"Ёж и 🦔"', STAMPED),
  'a large value': createEntry(SHAPE, 'x'.repeat(1_000_000), STAMPED),
  'a negative entry': createNegativeEntry(SHAPE, 'course', STAMPED),
  'a negative entry without tags': createNegativeEntry(SHAPE, 'chapter of a course')
}

for (const [name, entry] of Object.entries(ENTRIES)) {
  t.test(`${name} survives encoding and decoding`, async (t) => {
    const text = Buffer.from(encodeEntry(entry)).toString()
    t.strictSame(decodeEntry(text), entry)
    t.equal(isNegative(entry), name.startsWith('a negative'))
  })
}

t.test('a truncated or extended encoding is not an entry', async (t) => {
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const text = encodeEntry(entry)
    const lengths = Array.from({ length: Math.min(text.length, 200) }, (_, i) => text.length - 1 - i)
    t.same(
      lengths.filter((length) => decodeEntry(text.slice(0, length)) !== null),
      [],
      `${name}, cut`
    )
    t.equal(decodeEntry(`${text} `), null, `${name}, prolonged`)
    t.equal(decodeEntry(` ${text}`), null, `${name}, with a leading space`)
  }
})

t.test('text that this version has not written is not an entry', async (t) => {
  const text = encodeEntry(createEntry(SHAPE, '{"id":1}', STAMPED))
  const others = ['', '\n', ' ', 'garbage', '{"id":1}', 'null', `1${text.slice(1)}`, `0${text.slice(1)}`, `v${text}`]
  const broken = [
    '2',
    '2\n',
    '2 2\nab',
    '2 x "e" s t=s\nab',
    '2 2 "e"\nab',
    '2 NaN "e" s t=s\nab',
    '2 2 "e" s t\nab',
    '2 2 "e" t=s\nab',
    '\u0000\u0001\n\n'
  ]
  t.ok(decodeEntry('2 2 "e" s t=s\nab'), 'the text that the cases vary is an entry')
  for (const other of [...others, ...broken]) t.equal(decodeEntry(other), null, JSON.stringify(other))
})

t.test('stamps are unique, and fit the encoding', async (t) => {
  const stamps = Array.from({ length: 10_000 }, newStamp)
  t.equal(new Set(stamps).size, stamps.length)
  t.ok(stamps.every((stamp) => /^[\w-]{12,}$/.test(stamp)))
})

t.test('an entry is valid while each tag has the stamp it was built with', async (t) => {
  const [a = '', b = ''] = STAMPED.stamps
  const entry = createEntry(SHAPE, 'text', STAMPED)
  t.equal(isCurrent(entry, [a, b]), true)
  t.equal(isCurrent(entry, [a]), true, 'the stamps of the first tags')
  t.equal(isCurrent(entry, [b], 1), true, 'the stamps from index 1')
  for (const current of [
    [a, newStamp()],
    [newStamp(), b],
    [b, a],
    [a, null],
    [null, null],
    [a, b, newStamp()],
    ['', '']
  ])
    t.equal(isCurrent(entry, current), false, JSON.stringify(current))
  t.equal(isCurrent(entry, [a], 1), false)
  t.equal(isCurrent(createEntry(SHAPE, 'text'), [null]), false, 'built without stamps')
  t.equal(isCurrent(createNegativeEntry(SHAPE, 'course', ONE), [b]), false, 'a negative entry too')
})

t.test('an entry matches a spec with the same shape whose tags are its first tags', async (t) => {
  const entries = [createEntry(SHAPE, 'text', STAMPED), createNegativeEntry(SHAPE, 'course', STAMPED)]
  const [a = '', b = ''] = STAMPED.tags
  for (const entry of entries) {
    for (const tags of [[], [a], [a, b]])
      t.equal(matchesSpec(entry, { shape: SHAPE, tags }), true, JSON.stringify(tags))
    for (const tags of [[b], [b, a], [a, b, 'c']])
      t.equal(matchesSpec(entry, { shape: SHAPE, tags }), false, JSON.stringify(tags))
    t.equal(matchesSpec(entry, { shape: 'other', tags: STAMPED.tags }), false, 'another version may have written it')
  }
})

t.test('a shape depends on its schema and its revision', async (t) => {
  const schema = Type.Object({ id: Type.Integer() })
  const others = [
    shapeOf(schema, 1),
    shapeOf(Type.Object({ id: Type.String() }), 0),
    shapeOf(Type.Object({ id: Type.Optional(Type.Integer()) }), 0),
    shapeOf(Type.Object({ id: Type.Integer(), name: Type.String() }), 0)
  ]
  t.equal(shapeOf(Type.Object({ id: Type.Integer() }), 0), shapeOf(schema, 0))
  t.equal(new Set([...others, shapeOf(schema, 0)]).size, 5)
  for (const shape of others) t.match(shape, /^[\w-]{11}$/)
})

t.test('isStamped is false for an entry that was loaded without stamps', async (t) => {
  t.equal(isStamped(createEntry(SHAPE, 'text', STAMPED)), true)
  t.equal(isStamped(createEntry(SHAPE, 'text', { ...STAMPED, stamps: [] })), false)
  t.equal(isStamped(createEntry(SHAPE, 'text')), true, 'without tags no stamp is missing')
})

t.test('the ETag is strong, quoted, and depends on the value alone', async (t) => {
  const { etag } = createEntry(SHAPE, 'one', STAMPED)
  t.match(etag, /^"[\x21\x23-\x7e]{8,}"$/)
  t.equal(createEntry(SHAPE, 'one').etag, etag)
  t.not(createEntry(SHAPE, 'two', STAMPED).etag, etag)
  t.not(createEntry(SHAPE, '', STAMPED).etag, '')
})
