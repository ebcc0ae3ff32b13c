import t from 'tap'
import { parseRedisUrl, withPassword } from '#redis/address.ts'

const plain = {
  kind: 'single',
  hosts: [{ host: 'r', port: 6379 }],
  username: undefined,
  password: undefined,
  db: 0,
  master: undefined,
  sentinelPassword: undefined,
  tls: null
}

t.test('the parts of a Redis URL are parsed', async (t) => {
  const cases: [string, object][] = [
    ['redis://r', {}],
    ['redis://r:7000/3', { hosts: [{ host: 'r', port: 7000 }], db: 3 }],
    ['redis://:p%40ss@r', { password: 'p@ss' }],
    ['redis://user:50%@r', { username: 'user', password: '50%' }],
    ['redis://[::1]:7000', { hosts: [{ host: '::1', port: 7000 }] }],
    ['rediss://u:p@r', { username: 'u', password: 'p', tls: {} }],
    [
      'rediss://r/1?ca=/a/ca.crt&cert=/a/c.crt&key=/a/c.key',
      { db: 1, tls: { ca: '/a/ca.crt', cert: '/a/c.crt', key: '/a/c.key' } }
    ],
    [
      'redis+sentinel://a:1,b/main/2',
      {
        kind: 'sentinel',
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 26379 }
        ],
        master: 'main',
        db: 2
      }
    ],
    [
      'rediss+sentinel://u:p@a/main?sentinelPassword=s&ca=/ca',
      {
        kind: 'sentinel',
        hosts: [{ host: 'a', port: 26379 }],
        username: 'u',
        password: 'p',
        master: 'main',
        sentinelPassword: 's',
        tls: { ca: '/ca' }
      }
    ],
    [
      'redis+cluster://a:1,b:2,c',
      {
        kind: 'cluster',
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
          { host: 'c', port: 6379 }
        ]
      }
    ]
  ]
  for (const [url, expected] of cases) t.strictSame(parseRedisUrl(url), { ...plain, ...expected }, url)
})

t.test('an invalid URL is refused', async (t) => {
  const none = [
    '',
    'r:6379',
    'http://r',
    'redis:',
    'redis://',
    'redis://r:x',
    'redis://r:99999',
    'redis://a,b',
    'redis://r/x',
    'redis://r/1/2',
    'redis://r?ca=/a',
    'rediss://r?verify=no',
    'redis+sentinel://a:1',
    'redis+sentinel://a:1/',
    'redis+sentinel://a:1,/main',
    'redis+cluster://a:1/2',
    'redis+ring://a',
    'redis://a b'
  ]
  for (const url of none) t.equal(parseRedisUrl(url), null, url)
})

t.test('withPassword adds a password to a URL without one', async (t) => {
  const password = 'p@ss/w:rd#1?%'
  const urls = [
    'redis://r',
    'redis://user@r:7000/3',
    'redis://user:@r',
    'redis://:@r',
    'redis://[::1]:7000',
    'rediss://r/1?ca=/a/ca.crt',
    'redis+sentinel://a:1,b/main/2?sentinelPassword=s',
    'redis+cluster://a:1,b:2,c'
  ]
  for (const url of urls) {
    t.strictSame(parseRedisUrl(withPassword(url, password)), { ...parseRedisUrl(url), password }, url)
    t.equal(withPassword(url, null), url)
  }
  for (const url of ['redis://:own@r', 'redis://user:own@r', 'no url']) t.equal(withPassword(url, password), url)
})
