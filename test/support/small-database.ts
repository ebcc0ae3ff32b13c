import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A start of the embedded database touches all of its buffers: 128 MB, which takes a third of a second, and no test has a use for. */
export async function makeSmall(dataDir: string): Promise<void> {
  await appendFile(join(dataDir, 'postgres', 'postgresql.conf'), 'shared_buffers = 16MB\n')
}
