/** Rewrites src/http/openapi-examples.json from answers of the service in this tree: `node test/checks/contract/take-examples.ts`. */
import { writeFile } from 'node:fs/promises'
import { examplesEnvironment, takeExamples } from '../../support/examples.ts'
import { withEmbedded } from './embedded.ts'

const FILE = new URL('../../../src/http/openapi-examples.json', import.meta.url)

await withEmbedded(examplesEnvironment, async (service) => {
  await writeFile(FILE, `${JSON.stringify(await takeExamples(service), null, 2)}\n`)
})
