import t from 'tap'
import { composed } from '#bounds/combining-marks.ts'

t.test('text is normalized to composed characters', (t) => {
  t.equal(composed('e\u0301'), 'é')
  t.equal(composed(''), '')
  t.equal(composed(`a${'\u0301\u0316'.repeat(15)}`), `á${'\u0316'.repeat(15)}${'\u0301'.repeat(14)}`, '30 marks')
  t.equal(composed(`${'a\u0301\u0316'.repeat(1000)}`)?.length, 2000, 'any number of letters with few marks each')
  t.end()
})

t.test('more than 30 combining marks in a row are refused, anywhere in the text', (t) => {
  const run = '\u0301\u0316'.repeat(16)
  for (const text of [run, `a${run}`, `text ${run} text`, `${'a\u0301\u0316'.repeat(100)}${run}`]) {
    t.equal(composed(text), null)
  }
  t.equal(composed('\u{1d165}'.repeat(31)), null, 'marks of two code units')
  t.not(composed('\u{1d165}'.repeat(30)), null)
  t.equal(composed('\u0301'.repeat(1_000_000)), null, 'a million marks')
  t.end()
})
