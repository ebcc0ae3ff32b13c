import t from 'tap'
import { matchesEtag } from '../../src/cache/etag.ts'

const ETAG = '"abc-_1"'

const MATCHING = [
  ETAG,
  `W/${ETAG}`,
  '*',
  ` ${ETAG} `,
  `"other", ${ETAG}`,
  `${ETAG},"other"`,
  `"other",W/${ETAG}`,
  `W/"x" ,\t${ETAG}`
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
  t.test(`If-None-Match: ${header} matches ${ETAG}`, async (t) => t.equal(matchesEtag(header, ETAG), true))
}

for (const header of DIFFERENT) {
  t.test(`If-None-Match: ${header} does not match ${ETAG}`, async (t) => t.equal(matchesEtag(header, ETAG), false))
}

t.test('a long header is read in no time', async (t) => {
  const header = `${'W/"x" , '.repeat(4000)}"y"`
  const start = performance.now()
  t.equal(matchesEtag(header, ETAG), false)
  t.equal(matchesEtag(`${header},${ETAG}`, ETAG), true)
  t.ok(performance.now() - start < 500)
})
