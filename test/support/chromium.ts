import { existsSync } from 'node:fs'

const PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium'
]

/** A Chromium of the system: `CHROMIUM`, or where it usually is. */
export function findChromium(): string | undefined {
  return process.env.CHROMIUM ?? PATHS.find((path) => existsSync(path))
}
