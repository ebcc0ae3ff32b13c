import t from 'tap'
import { deviceOf, shownNetwork } from '#sessions/origin.ts'

const chrome =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

t.test('browser and operating system are named', async (t) => {
  const devices: [string | undefined, string][] = [
    [chrome, 'Chrome on Windows'],
    [`${chrome} Edg/140.0`, 'Edge on Windows'],
    [`${chrome} OPR/120.0`, 'Opera on Windows'],
    [chrome.replace('Safari', 'YaBrowser/25.8 Safari'), 'Yandex Browser on Windows'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Mobile/15E148 Safari/604.1',
      'Safari on iPhone'
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36',
      'Samsung Internet on Android'
    ],
    ['curl/8.14.1', 'curl'],
    ['<script>alert(1)</script>', 'unknown'],
    [`${'x'.repeat(600)} Firefox/1`, 'unknown'],
    [undefined, 'unknown']
  ]
  for (const [userAgent, device] of devices) t.equal(deviceOf(userAgent), device, `${userAgent?.slice(0, 100)}`)
})

t.test('only the network of an address is shown', async (t) => {
  const networks: [string, string][] = [
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:12:3456:7:8:9:a', '2001:db8:12::/48'],
    ['2001:0DB8::1', '2001:db8::/48'],
    ['::1', '::/48'],
    ['fe80::1:2:3:4', 'fe80::/48'],
    ['not an address', 'unknown']
  ]
  for (const [address, network] of networks) t.equal(shownNetwork(address), network, address)
})
