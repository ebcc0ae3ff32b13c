import { isIPv4, isIPv6 } from 'node:net'

const UNKNOWN = 'unknown'

/** The first match counts: browsers also name their ancestors. */
const browsers: readonly [RegExp, string][] = [
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|OPT|Opera)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl']
]
const systems: readonly [RegExp, string][] = [
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux']
]

/** Longer than the `User-Agent` of any browser. */
const MAX_LENGTH = 512

/** The browser and system in a `User-Agent`, such as `Firefox on Windows`. The client can claim anything. */
export function deviceOf(userAgent = ''): string {
  const text = userAgent.slice(0, MAX_LENGTH)
  const nameIn = (names: typeof browsers) => names.find(([pattern]) => pattern.test(text))?.[1]
  const browser = nameIn(browsers)
  const system = nameIn(systems)
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`
  return browser ?? system ?? UNKNOWN
}

const MAPPED = /^::ffff:(?=\d+\.)/i
const IPV6_GROUPS = 8

/** The network of an address, coarse enough to identify the provider but not the person: /24 for IPv4, /48 for IPv6. */
export function shownNetwork(address: string): string {
  const bare = address.replace(MAPPED, '')
  if (isIPv4(bare)) return `${bare.split('.').slice(0, 3).join('.')}.0/24`
  if (!isIPv6(bare)) return UNKNOWN
  const [head = [], tail = []] = bare.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const zeros = Array<string>(Math.max(0, IPV6_GROUPS - head.length - tail.length)).fill('0')
  const prefix = [...head, ...zeros, ...tail].slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':').replace(/(^|:)0(:0)*$/, '')}::/48`
}
