import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { replaced } from '../../support/repository-copy.ts'
import { ROOT } from '../../support/script.ts'
import { MUTATIONS } from './mutation-list.ts'

/** `npm run check:coherence -- --mutations` runs them; this test only checks that their text still exists, so that whoever moves the code notices. */
for (const mutation of MUTATIONS) {
  t.test(`${mutation.name}: its text is in ${mutation.file}, once`, async (t) => {
    const source = await readFile(join(ROOT, mutation.file), 'utf8')
    t.not(replaced(source, mutation), source)
  })
}
