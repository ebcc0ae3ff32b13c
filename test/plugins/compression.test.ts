import { once } from 'node:events'
import { get as httpGet } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import { register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { NormalPath } from '../support/normal-path.ts'

const DECODERS = { br: brotliDecompressSync, gzip: gunzipSync, identity: (bytes: Buffer) => bytes }

/** One GET without the decoding that `fetch` does. */
async function rawGet(url: string, headers: Record<string, string> = {}) {
  const request = httpGet(url, { headers, agent: false })
  const [response] = await once(request, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const status = Number(response.statusCode)
  const fields: Record<string, string | undefined> = response.headers
  return { status, headers: fields, bytes: Buffer.concat(chunks) }
}

const path = new NormalPath()
const ways = { env: { FRONT_DOOR: 'on', RATE_LIMIT_ANONYMOUS: '0' }, extension: { extend: path.extend } }
bothWays(
  t,
  async (t, { app, url }) => {
    const course = `${url}/api/v1/courses/1`

    await t.test('an entry is sent in the encoding that the client prefers, on either path', async (t) => {
      const plain = await rawGet(course)
      t.equal(plain.headers['content-encoding'], undefined)
      const cases: [string, keyof typeof DECODERS][] = [
        ['br', 'br'],
        ['gzip, deflate, br, zstd', 'br'],
        ['gzip', 'gzip'],
        ['gzip;q=1, br;q=0.5', 'gzip'],
        ['*', 'br'],
        ['br;q=0, *', 'gzip'],
        ['GZIP', 'gzip'],
        ['identity;q=1, gzip;q=0.5', 'identity'],
        ['br;q=0, gzip;q=0', 'identity'],
        ['zstd', 'identity'],
        ['identity', 'identity'],
        ['', 'identity']
      ]
      for (const [accept, encoding] of cases) {
        const ask = (more = {}) => rawGet(course, { 'accept-encoding': accept, ...more })
        const answers = [await ask(), await ask()]
        const { normal, answer } = await path.during(() => ask())
        t.equal(normal, 0, `the front door answers ${accept}`)
        for (const { status, headers, bytes } of [...answers, answer]) {
          t.same([status, headers['content-encoding'] ?? 'identity'], [200, encoding], accept)
          t.equal(headers['content-length'], String(bytes.length))
          t.equal(headers.vary, 'Origin, Accept-Encoding')
          t.same(DECODERS[encoding](bytes), plain.bytes)
          if (encoding !== 'identity') t.ok(bytes.length < plain.bytes.length / 2)
        }
        t.equal(
          (await ask({ 'if-none-match': answer.headers.etag })).status,
          304,
          'the ETag of this encoding is still current'
        )
      }
    })

    await t.test('each encoding has its own ETag, and any of them answers 304 until the course changes', async (t) => {
      const forms = await Promise.all(
        ['br', 'gzip', 'identity'].map((form) => rawGet(course, { 'accept-encoding': form }))
      )
      const tags = forms.map(({ headers }) => headers.etag ?? '')
      t.equal(new Set(tags).size, 3)
      for (const tag of tags) {
        for (const form of ['br', 'gzip', 'identity']) {
          const { status, headers } = await rawGet(course, { 'if-none-match': tag, 'accept-encoding': form })
          t.same([status, headers.etag], [304, tag], 'the 304 repeats the ETag that the client sent')
        }
      }
      await app.database.client.course.update({ where: { id: 1 }, data: { title: 'Changed' } })
      for (const tag of tags) {
        const { status, bytes } = await rawGet(course, { 'if-none-match': tag, 'accept-encoding': 'br' })
        t.equal(status, 200)
        t.match(brotliDecompressSync(bytes).toString(), '"title":"Changed"')
      }
    })

    await t.test('the ETag of a compressed answer is accepted by If-Match', async (t) => {
      const ann = await register(url, 'ann')
      const headers = { cookie: ann.cookie, 'accept-encoding': 'br' }
      const own = `${url}/api/v1/users/me`
      await ann.request('PATCH', '/api/v1/users/me', { bio: 'long '.repeat(300) })
      const { headers: read, bytes } = await rawGet(own, headers)
      t.same([read['content-encoding'], read['cache-control']], ['br', 'private, no-cache'])
      t.match(brotliDecompressSync(bytes).toString(), '"bio":"long ')
      t.match(read.etag, /\.br"$/)
      t.equal((await rawGet(own, { ...headers, 'if-none-match': read.etag ?? '' })).status, 304)
      const change = (etag = '') => ann.request('PATCH', '/api/v1/users/me', { name: 'Anna' }, { 'if-match': etag })
      t.equal((await change(read.etag)).status, 200)
      t.equal((await change(read.etag)).status, 412)
    })

    await t.test('a short answer is not compressed', async (t) => {
      const { headers } = await rawGet(`${url}/health/live`, { 'accept-encoding': 'br' })
      t.equal(headers['content-encoding'], undefined)
    })

    await t.test('documents and metrics are compressed too', async (t) => {
      for (const target of ['/openapi.json', '/metrics']) {
        const plain = await rawGet(url + target, { 'accept-encoding': 'identity' })
        const small = await rawGet(url + target, { 'accept-encoding': 'gzip, br' })
        t.equal(small.headers['content-encoding'], 'br', target)
        t.ok(small.bytes.length < plain.bytes.length / 2, `${target}: ${small.bytes.length} of ${plain.bytes.length}`)
      }
    })
  },
  ways
)
