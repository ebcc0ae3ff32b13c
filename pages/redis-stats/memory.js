import { ask, CACHE } from './api.js'
import { show } from './dom.js'
import { bytes, number, when } from './format.js'
import { openView } from './navigation.js'
import { createTable } from './table.js'
import { counted, words } from './words.js'

const REFRESH_MS = 15_000

/** Memory of the keys: by prefix, and the largest keys. */
export function createMemory() {
  const size = { title: words.size, number: true }
  const prefixes = createTable(
    'memory-prefixes',
    [{ title: words.prefix }, { title: words.keys, number: true }, size],
    {
      empty: words.notSampled
    }
  )
  const largest = createTable('memory-largest', [{ title: words.key }, size], { empty: words.notSampled })
  let askedAt = 0

  async function read() {
    askedAt = Date.now()
    const memory = await ask('GET', `${CACHE}/memory`).catch(({ message }) => ({ at: null, message }))
    if (memory.at === null) {
      for (const table of [prefixes, largest]) table.update([], memory.message)
      return show(document.querySelector('.memory-at'), '')
    }
    const most = Math.max(1, ...memory.prefixes.map((prefix) => prefix.bytes))
    prefixes.update(
      memory.prefixes.map(({ prefix, keys, bytes: sum }) => [
        { text: prefix, href: `#keys?pattern=${prefix}:*`, bar: sum / most },
        number(keys),
        bytes(sum)
      ])
    )
    largest.update(
      memory.largest.map(({ key, bytes: sum }) => [
        { text: key, href: `#keys?${new URLSearchParams({ pattern: key, key })}` },
        bytes(sum)
      ])
    )
    show(
      document.querySelector('.memory-at'),
      `${words.sampled} ${counted(memory.sampled, 'keys')}, ${when(memory.at)}`
    )
  }
  prefixes.update([])
  largest.update([])

  return {
    update() {
      if (openView() === 'keys' && Date.now() - askedAt > REFRESH_MS) read()
    }
  }
}
