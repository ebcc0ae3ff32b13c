import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { replaced } from '../../support/repository-copy.ts'
import { ROOT } from '../../support/script.ts'
import { MUTATIONS } from './mutation-list.ts'

/**
 * `npm run check:coherence -- --mutations` runs the mutations. This test only checks that the text that they replace
 * still exists, so that a change to that code fails here at once.
 */
for (const mutation of MUTATIONS) {
  t.test(`${mutation.name}: the replaced text occurs once in ${mutation.file}`, async (t) => {
    const source = await readFile(join(ROOT, mutation.file), 'utf8')
    t.not(replaced(source, mutation), source)
  })
}
