import t from 'tap'
import {
  createEntry,
  createNegativeEntry,
  decodeEntry,
  type Entry,
  encodeEntry,
  isNegative,
  isValid,
  newStamp
} from '../../src/cache/entry.ts'

const STAMPS = [newStamp(), newStamp()]
const ENTRIES: Record<string, Entry> = {
  'a value': createEntry('{"id":1}', STAMPS),
  'a value without tags': createEntry('{"id":1}', []),
  'a value of one tag': createEntry('[1,2]', STAMPS.slice(1)),
  'an empty value': createEntry('', STAMPS),
  'a value of many lines, with spaces and commas': createEntry('1 2,3\n\n4 "x"\n', STAMPS),
  'a value in Russian, with an emoji': createEntry('"Ёж и 🦔"', STAMPS),
  'a large value': createEntry('x'.repeat(1_000_000), STAMPS),
  'a negative one': createNegativeEntry('course', STAMPS),
  'a negative one without tags': createNegativeEntry('chapter of a course', [])
}

for (const [name, entry] of Object.entries(ENTRIES)) {
  t.test(`${name} comes back from its stored form as it was`, async (t) => {
    const text = Buffer.from(encodeEntry(entry)).toString()
    t.strictSame(decodeEntry(text), entry)
    t.equal(isNegative(entry), name.startsWith('a negative'))
  })
}

t.test('a stored form that was cut or prolonged is no entry', async (t) => {
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const text = encodeEntry(entry)
    const lengths = Array.from({ length: Math.min(text.length, 200) }, (_, i) => text.length - 1 - i)
    t.same(
      lengths.filter((length) => decodeEntry(text.slice(0, length)) !== null),
      [],
      `${name}, cut`
    )
    t.equal(decodeEntry(`${text} `), null, `${name}, prolonged`)
    t.equal(decodeEntry(` ${text}`), null, `${name}, with something before it`)
  }
})

t.test('what this version has not written is no entry', async (t) => {
  const text = encodeEntry(createEntry('{"id":1}', STAMPS))
  const others = ['', '\n', ' ', 'garbage', '{"id":1}', 'null', `2${text.slice(1)}`, `0${text.slice(1)}`, `v${text}`]
  const broken = ['1', '1\n', '1 2\nab', '1 x "e" s\nab', '1 2 "e"\nab', '1 NaN "e" s\nab', '\u0000\u0001\u0002\n\n']
  for (const other of [...others, ...broken]) t.equal(decodeEntry(other), null, JSON.stringify(other))
})

t.test('a stamp is never made twice, and fits into the stored form', async (t) => {
  const stamps = Array.from({ length: 10_000 }, newStamp)
  t.equal(new Set(stamps).size, stamps.length)
  t.ok(stamps.every((stamp) => /^[\w-]{12,}$/.test(stamp)))
})

t.test('an entry is valid while each tag has the stamp it was built under', async (t) => {
  const [a, b] = [newStamp(), newStamp()]
  const entry = createEntry('text', [a, b])
  t.equal(isValid(entry, [a, b]), true)
  const others = [
    [a, newStamp()],
    [newStamp(), b],
    [b, a],
    [a, null],
    [null, null],
    [a],
    [],
    [a, b, newStamp()],
    ['', '']
  ]
  for (const current of others) t.equal(isValid(entry, current), false, JSON.stringify(current))
  t.equal(isValid(createEntry('text', []), []), true)
  t.equal(isValid(createEntry('text', []), [null]), false, 'built under no stamps')
  t.equal(isValid(createNegativeEntry('course', [a]), [b]), false, 'a negative one is no exception')
})

t.test('the ETag is strong, quoted, and that of the value alone', async (t) => {
  const { etag } = createEntry('one', STAMPS)
  t.match(etag, /^"[\x21\x23-\x7e]{8,}"$/)
  t.equal(createEntry('one', []).etag, etag)
  t.not(createEntry('two', STAMPS).etag, etag)
  t.not(createEntry('', STAMPS).etag, '')
})
