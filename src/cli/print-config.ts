/**
 * `npm run config`: prints the configuration that the service would start with, as JSON without secrets. Exit code 1 if
 * it is invalid.
 */
import { readConfig } from '#config/config.ts'
import { publicConfig } from '#config/public-config.ts'

try {
  console.log(publicConfig(readConfig(process.env)))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
