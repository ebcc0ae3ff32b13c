import type { Attack } from '../attack.ts'
import { neverRead } from '../never-read.ts'

const CONNECTIONS = 6
const SECONDS = 10

export const attack: Attack = {
  name: '6 connections send 60 KB of requests for /docs/static/swagger-ui-bundle.js, and never read',
  seconds: SECONDS,
  run: async ({ url }) => {
    const disconnects = await neverRead(url, '/docs/static/swagger-ui-bundle.js', CONNECTIONS, SECONDS * 1000)
    return `disconnected ${disconnects} times`
  }
}
