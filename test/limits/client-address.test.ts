import { normalizeIP } from '@fastify/rate-limit'
import t from 'tap'
import { bareAddress } from '#limits/client-address.ts'

/** The key by which a client is counted. */
const clientAddress = (given: string) => normalizeIP(bareAddress(given))

t.test('an IPv4 address is its own key, with or without a port', (t) => {
  for (const given of ['192.0.2.7', '192.0.2.7:4431', '::ffff:192.0.2.7', '[::ffff:192.0.2.7]:80', '::ffff:c000:207'])
    t.equal(clientAddress(given), '192.0.2.7', given)
  t.end()
})

t.test('addresses of one IPv6 network are one client', (t) => {
  const network = clientAddress('2001:db8:1:2::')
  for (const given of [
    '2001:db8:1:2::1',
    '2001:DB8:1:2:ffff::9',
    '[2001:db8:1:2::1]',
    '[2001:db8:1:2::1]:443',
    '2001:db8:1:2::1%eth0',
    `2001:db8:1:2::1%${'z'.repeat(30_000)}`
  ])
    t.equal(clientAddress(given), network, given.slice(0, 40))
  t.not(clientAddress('2001:db8:1:3::1'), network)
  t.end()
})

t.test('other text is its own key, cut to 64 characters', (t) => {
  for (const given of [
    ':',
    'a:b',
    '1::2::3',
    '2001:db8::1/32',
    '::ffff:999.1.1.1',
    '"quoted:"',
    'for=1.2.3.4:9',
    'é:',
    ''
  ]) {
    t.equal(clientAddress(given), given)
  }
  t.equal(clientAddress(`Unknown:${'x'.repeat(30_000)}`), `unknown:${'x'.repeat(56)}`)
  t.end()
})
