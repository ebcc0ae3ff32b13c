import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The embedded database touches all its buffers at the start: 128 MB take a third of a second, and tests do not need
 * them.
 */
export async function makeSmall(dataDir: string): Promise<void> {
  await appendFile(join(dataDir, 'postgres', 'postgresql.conf'), 'shared_buffers = 16MB\n')
}
