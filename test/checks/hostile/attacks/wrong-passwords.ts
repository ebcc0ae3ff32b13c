import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Attack, Target } from '../attack.ts'

const SECONDS = 15
/** A client on this machine can use any address of 127.0.0.0/8; to the service they are different networks. */
const NETWORKS = 200
/** 20 at once, then four every three seconds (docs/limits.md), plus those in progress. */
const MAX_GUESSES = 20 + 4 * (SECONDS / 3 + 2)

/** Guesses at the password of one account from many networks, and at other accounts beside it. */
export const attack: Attack = {
  name: `wrong passwords from ${NETWORKS} networks at once`,
  seconds: SECONDS + 15,
  async run({ url, admin }: Target) {
    const end = performance.now() + 1000 * SECONDS
    const counts = new Map<string, number>()
    const attacker = async (n: number) => {
      const agent = new Agent({ keepAlive: true, localAddress: `127.0.${1 + (n >> 7)}.${1 + (n & 127)}` })
      for (let i = 0; performance.now() < end; i++) {
        const target = i % 2 === 0 ? admin.email : `user${n}@example.org`
        const status = await login(agent, url, target)
        const name = `${i % 2 === 0 ? 'account' : 'others'} ${status}`
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
      agent.destroy()
    }
    await Promise.all(Array.from({ length: NETWORKS }, (_, n) => attacker(n)))
    const guesses = counts.get('account 401') ?? 0
    if (guesses > MAX_GUESSES) throw new Error(`${guesses} guesses at one account in ${SECONDS} s`)
    const odd = [...counts.keys()].filter((name) => !/ (401|429|503)$/.test(name))
    if (odd.length > 0) throw new Error(`unexpected answers: ${odd.join(', ')}`)
    return `${guesses} guesses at one account, ${counts.get('others 401') ?? 0} at others`
  }
}

async function login(agent: Agent, url: string, email: string): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const sent = request(`${url}/api/v1/auth/login`, { method: 'POST', agent, headers })
  sent.end(JSON.stringify({ email, password: 'a wrong password' }))
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}
