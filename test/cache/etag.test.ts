import t from 'tap'
import { namedEtag } from '../../src/cache/etag.ts'

const ETAG = '"abc-_1"'

const MATCHING = [
  ETAG,
  `W/${ETAG}`,
  '*',
  ` ${ETAG} `,
  `"other", ${ETAG}`,
  `${ETAG},"other"`,
  `"other",W/${ETAG}`,
  `W/"x" ,\t${ETAG}`,
  `"a, b", ${ETAG}`,
  '"abc-_1.br"'
]

const DIFFERENT = [
  undefined,
  '',
  ' ',
  ',',
  '""',
  'abc-_1',
  '"abc-_1',
  'abc-_1"',
  '"ABC-_1"',
  '"abc-_12"',
  '"xabc-_1"',
  'w/"abc-_1"',
  'W/abc-_1',
  '"other"',
  '"a", "b"'
]

for (const header of MATCHING) {
  t.test(`If-None-Match: ${header} matches ${ETAG}`, async (t) => t.equal(namedEtag(header, ETAG) !== null, true))
}

for (const header of DIFFERENT) {
  t.test(`If-None-Match: ${header} does not match ${ETAG}`, async (t) =>
    t.equal(namedEtag(header, ETAG) !== null, false)
  )
}

t.test('a long header is parsed quickly', async (t) => {
  const header = `${'W/"x" , '.repeat(4000)}"y"`
  const start = performance.now()
  t.equal(namedEtag(header, ETAG) !== null, false)
  t.equal(namedEtag(`${header},${ETAG}`, ETAG), ETAG)
  t.ok(performance.now() - start < 500)
})
