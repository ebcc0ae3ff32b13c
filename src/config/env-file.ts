/**
 * Read before a program by `node --import`, as the scripts of npm do: it takes variables from a file `.env`, where there is one. Those
 * that are set already win. (`--env-file-if-exists` prints a line where there is none.)
 */
import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'

const FILE = '.env'

if (existsSync(FILE)) loadEnvFile(FILE)
