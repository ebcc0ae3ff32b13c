import type { Attack } from '../attack.ts'
import { neverRead } from '../never-read.ts'

const CONNECTIONS = 25
const SECONDS = 10

export const attack: Attack = {
  name: '25 connections ask for /openapi.json 60 KB at a time, and never read',
  seconds: SECONDS,
  run: async ({ url }) => {
    const hungUp = await neverRead(url, '/openapi.json', CONNECTIONS, SECONDS * 1000)
    return `hung up on ${hungUp} times`
  }
}
