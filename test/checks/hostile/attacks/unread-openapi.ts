import type { Attack } from '../attack.ts'
import { neverRead } from '../never-read.ts'

const CONNECTIONS = 25
const SECONDS = 10

export const attack: Attack = {
  name: '25 connections send 60 KB of requests for /openapi.json, and never read',
  seconds: SECONDS,
  run: async ({ url }) => {
    const disconnects = await neverRead(url, '/openapi.json', CONNECTIONS, SECONDS * 1000)
    return `disconnected ${disconnects} times`
  }
}
