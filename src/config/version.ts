import { readFileSync } from 'node:fs'

const description: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
)

/** The version of the service, as package.json has it. */
export const { version } = description
