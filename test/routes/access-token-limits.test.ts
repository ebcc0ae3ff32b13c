import t from 'tap'
import { newToken } from '#access-tokens/token.ts'
import { Actor, register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { makeToken, withToken } from '../support/tokens.ts'

const ME = '/api/v1/users/me'
const USER_LIMIT = 40
const COURSE = '/api/v1/courses/1'

bothWays(
  t,
  async (t, { app, url }) => {
    const from = (address: string) => ({ 'x-forwarded-for': address })
    const left = async (answer: Promise<Response>) => {
      const response = await answer
      await response.arrayBuffer()
      t.equal(response.headers.get('x-ratelimit-limit'), `${USER_LIMIT}`)
      return Number(response.headers.get('x-ratelimit-remaining'))
    }

    await t.test('requests with any token count for its user, from any address', async (t) => {
      const ann = await register(url, 'ann')
      const one = withToken(url, (await makeToken(ann)).token)
      const other = withToken(url, (await makeToken(ann)).token)
      const first = await left(ann.get(ME))
      t.equal(await left(one.get(ME, from('10.2.0.1'))), first - 1)
      t.equal(await left(other.get(COURSE, from('10.2.0.2'))), first - 2, 'public routes count too')
      t.equal(await left(other.get(COURSE, from('10.2.0.2'))), first - 3, 'cache hits count too')
      for (let n = 0; n < USER_LIMIT; n++) await statusOf(one.get(ME))
      t.equal(await statusOf(other.get(ME)), 429)
      t.equal(await statusOf(ann.get(ME)), 429)
      t.equal(await statusOf(new Actor(url).get(COURSE)), 200, 'visitors of the same network are counted separately')
    })

    await t.test('a token does not use up the password attempts of its user', async (t) => {
      const eve = await register(url, 'eve')
      const stolen = withToken(url, (await makeToken(eve)).token)
      const change = { current: 'password of eve', next: 'another password of eve' }
      const at = (n: number) => from(`10.4.0.${n}`)
      for (let n = 0; n < 12; n++) {
        t.equal(await statusOf(stolen.request('POST', '/api/v1/auth/password', change, at(n))), 403)
      }
      t.equal(await statusOf(eve.request('POST', '/api/v1/auth/password', change)), 204)
    })

    await t.test('wrong tokens count for the network, and block no known token', async (t) => {
      const ben = await register(url, 'ben')
      const [known, unknown] = [(await makeToken(ben)).token, (await makeToken(ben)).token]
      const lookUps = countLookUps()
      const ask = (token: string, address: string, path = ME) => withToken(url, token).get(path, from(address))
      t.equal(await statusOf(ask(known, '10.3.0.1')), 200)
      const wrong = Array.from({ length: 10 }, newToken)
      for (const token of wrong) t.equal(await statusOf(ask(token, '10.3.0.1')), 401)
      t.equal(lookUps.count(), 11)
      // A script that keeps using a revoked token, and malformed tokens: these are neither looked up nor counted.
      for (const token of [...wrong, 'aka_wrong']) t.equal(await statusOf(ask(token, '10.3.0.1')), 401)
      t.equal(lookUps.count(), 11)
      for (const path of [ME, COURSE]) {
        for (const token of [newToken(), unknown]) {
          const answer = await ask(token, '10.3.0.1', path)
          const seconds = Number(answer.headers.get('retry-after'))
          t.ok(seconds > 0 && seconds <= 60, `Retry-After: ${seconds}`)
          t.match(await bodyOf(ErrorBody, answer, 429), { code: 'RATE_LIMITED' })
        }
      }
      t.equal(lookUps.count(), 12, 'past the limit no token is looked up')
      t.equal(await statusOf(ask(known, '10.3.0.1')), 200, 'a token used before still works')
      t.equal(await statusOf(ask(unknown, '10.3.0.2')), 200, 'other networks are not affected')
      t.equal(await statusOf(ask(unknown, '10.3.0.1')), 200, 'the token is known from now on')
      t.equal(await statusOf(new Actor(url).get(COURSE, from('10.3.0.1'))), 200, 'visitors can still read')
      const login = { email: 'ben@example.org', password: 'password of ben' }
      const signIn = new Actor(url).request('POST', '/api/v1/auth/login', login, from('10.3.0.1'))
      t.equal(await statusOf(signIn), 200, 'wrong tokens do not count as wrong passwords')
    })

    /** Counts the token look-ups in the database. */
    function countLookUps() {
      let count = 0
      const { accessTokens } = app
      const find = accessTokens.find.bind(accessTokens)
      accessTokens.find = (digest) => {
        count++
        return find(digest)
      }
      return { count: () => count }
    }
  },
  { env: { RATE_LIMIT_ANONYMOUS: '500', RATE_LIMIT_USER: `${USER_LIMIT}`, TRUST_PROXY: '1' } }
)
