import t from 'tap'
import { peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, OwnUser, statusOf } from '../support/people.ts'
import { type Service, startService } from '../support/service.ts'

const ME = '/api/v1/users/me'

/** Signs a user in at the service; returns a function that sends a change with the given headers. */
async function browserAt({ url }: Service) {
  const ann = await register(url, 'ann')
  let n = 0
  return async (headers: Record<string, string>) => {
    const bio = `change ${++n}`
    const answer = await ann.request('PATCH', ME, { bio }, headers)
    const written = (await bodyOf(OwnUser, await ann.get(ME))).bio === bio
    if (answer.status === 403) {
      const { code } = await bodyOf(ErrorBody, answer, 403)
      return code === 'FOREIGN_ORIGIN' && !written ? 'refused' : `${code}, written: ${written}`
    }
    return (await statusOf(Promise.resolve(answer))) === 200 && written ? 'heard' : `${answer.status}`
  }
}

t.test('the origin of the service is the one that its clients use', async (t) => {
  await t.test('without a proxy the origin is the requested host and port, over HTTP', async (t) => {
    const service = await startService(t, { ...peopleEnvironment, CORS_ORIGINS: 'https://app.example' })
    const change = await browserAt(service)
    const { host, port } = new URL(service.url)
    t.equal(await change({}), 'heard', 'clients other than browsers send no Origin')
    t.equal(await change({ origin: `http://${host}` }), 'heard')
    t.equal(await change({ origin: 'https://app.example' }), 'heard')
    for (const origin of [
      `https://${host}`,
      'http://127.0.0.1',
      `http://127.0.0.1:${port}0`,
      `http://localhost:${port}`,
      `http://${host}.evil.example`,
      `http://${host}/`,
      'https://app.example:444',
      'https://app.example.evil.example',
      'https://sub.app.example',
      'null',
      '',
      `http://evil.example, http://${host}`
    ]) {
      t.equal(await change({ origin }), 'refused', JSON.stringify(origin))
    }
    const claims = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    t.equal(await change({ ...claims, origin: 'https://evil.example' }), 'refused', 'no proxy is trusted')
  })

  await t.test('behind a trusted proxy the origin is the one that the proxy was asked for', async (t) => {
    const change = await browserAt(await startService(t, { ...peopleEnvironment, TRUST_PROXY: 'true' }))
    const proxied = { 'x-forwarded-host': 'api.example', 'x-forwarded-proto': 'https' }
    t.equal(await change({ ...proxied, origin: 'https://api.example' }), 'heard')
    for (const origin of ['http://api.example', 'https://api.example:8443', 'https://evil.example']) {
      t.equal(await change({ ...proxied, origin }), 'refused', origin)
    }
  })
})
