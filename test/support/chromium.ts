import { existsSync } from 'node:fs'

const PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium'
]

/** The path of a Chromium: `CHROMIUM`, or one of the usual places. */
export function findChromium(): string | undefined {
  return process.env.CHROMIUM ?? PATHS.find((path) => existsSync(path))
}
