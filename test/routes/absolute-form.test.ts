import t from 'tap'
import { sendBytes } from '../support/http.ts'
import { startService } from '../support/service.ts'

t.test('a request target may be a whole URL, as sent to a proxy', async (t) => {
  const { url } = await startService(t)
  const request = (line: string, headers = '', body = '') =>
    sendBytes(url, `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n${body}`)

  const account = JSON.stringify({ email: 'ann@example.org', password: 'password of ann', name: 'Ann' })
  const json = `Content-Type: application/json\r\nContent-Length: ${account.length}\r\n`
  const registered = await request('POST http://x/api/v1/auth/register', json, account)
  t.equal(registered.status, 201)
  const cookie = registered.headers.get('set-cookie')?.split(';')[0] ?? ''
  t.match(cookie, /^sid=./)

  const session = (target: string) => request(`GET ${target}`, `Cookie: ${cookie}\r\n`)
  t.equal((await session('http://x/api/v1/auth/session')).status, 200)
  t.equal((await request('GET http://x/api/v1/courses?limit=1')).status, 200)
  t.equal((await request('GET http://x/api/v1/courses?limit=0')).status, 400)
  t.equal((await request('POST http://x/api/v1/auth/logout', `Cookie: ${cookie}\r\nContent-Length: 0\r\n`)).status, 204)
  t.equal((await session('/api/v1/auth/session')).status, 401, 'the session has ended')
})
