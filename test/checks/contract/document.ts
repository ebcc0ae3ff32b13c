import { writeFile } from 'node:fs/promises'
import { withEmbedded } from './embedded.ts'

/** Writes `openapi.json`, as the service of this tree answers it, to `file`. */
export function writeDocument(file: string): Promise<void> {
  return withEmbedded({ SEED: 'none' }, async ({ app }) => {
    await writeFile(file, (await app.inject('/openapi.json')).body)
  })
}
