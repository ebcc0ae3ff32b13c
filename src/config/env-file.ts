/**
 * Loads variables from the file `.env`, if there is one; variables that are already set take precedence. The npm
 * scripts load this module with `node --import`, because `--env-file-if-exists` prints a line if there is no file.
 */
import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'

const FILE = '.env'

if (existsSync(FILE)) loadEnvFile(FILE)
