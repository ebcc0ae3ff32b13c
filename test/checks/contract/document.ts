import { writeFile } from 'node:fs/promises'
import { withEmbedded } from './embedded.ts'

/** Writes the `/openapi.json` of the service in this tree to `file`. */
export function writeDocument(file: string): Promise<void> {
  return withEmbedded({ SEED: 'none' }, async ({ app }) => {
    await writeFile(file, (await app.inject('/openapi.json')).body)
  })
}
