import type { Attack } from '../attack.ts'
import { neverRead } from '../never-read.ts'

const CONNECTIONS = 6
const SECONDS = 10

export const attack: Attack = {
  name: '6 connections ask for /docs/static/swagger-ui-bundle.js 60 KB at a time, and never read',
  seconds: SECONDS,
  run: async ({ url }) => {
    const hungUp = await neverRead(url, '/docs/static/swagger-ui-bundle.js', CONNECTIONS, SECONDS * 1000)
    return `hung up on ${hungUp} times`
  }
}
