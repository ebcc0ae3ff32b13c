import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from './support/script.ts'

/** The modules that a file imports, including types. */
const IMPORTS = /(?:from|import\()\s*'([^']+)'/g

async function sources(folder: string): Promise<{ path: string; imports: string[]; text: string }[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true })
  const paths = entries.filter((path) => path.endsWith('.ts') && !path.startsWith('database/generated'))
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(ROOT, folder, path), 'utf8')
      return { path: join(folder, path), text, imports: [...text.matchAll(IMPORTS)].map(([, name]) => name ?? '') }
    })
  )
}

const [src, plugins, routes] = await Promise.all([sources('src'), sources('plugins'), sources('routes')])
const entryPoints = src.filter(({ path }) => /^src\/[a-z]+\.ts$/.test(path)).map(({ path }) => path)
const rooms = src.filter(({ path }) => !entryPoints.includes(path))

t.test('src has no loose files except the entry points', async (t) => {
  t.same(entryPoints.sort(), ['src/app.ts', 'src/run.ts', 'src/server.ts', 'src/worker.ts'])
})

t.test('routes may import plugins, and both may import src, not the other way round', async (t) => {
  for (const { path, imports } of rooms) {
    t.same(
      imports.filter((name) => /fastify|#plugins|plugins\/|routes\//.test(name)),
      [],
      `${path} imports neither Fastify nor plugins`
    )
  }
  for (const { path, imports } of plugins) {
    t.same(
      imports.filter((name) => /routes\//.test(name)),
      [],
      `${path} imports no routes`
    )
  }
})

t.test('folders of src have no import cycles, and import the cache by its index only', async (t) => {
  const roomOf = (path: string) => path.split('/')[1] ?? ''
  const edges = new Map<string, Set<string>>()
  for (const { path, imports } of rooms) {
    const from = roomOf(path)
    const to = imports.map((name) => /^#([a-z-]+)/.exec(name)?.[1]).filter((name) => name !== undefined)
    edges.set(from, new Set([...(edges.get(from) ?? []), ...to.filter((room) => room !== from)]))
    t.same(
      imports.filter((name) => name.startsWith('..') && roomOf(join(path, '..', name)) !== from),
      [],
      `${path} imports other folders by their # alias`
    )
    t.same(
      imports.filter((name) => name.startsWith('#cache/')),
      [],
      path
    )
  }
  const reachable = (from: string, seen = new Set<string>()): Set<string> => {
    for (const room of edges.get(from) ?? []) if (!seen.has(room)) reachable(room, seen.add(room))
    return seen
  }
  for (const room of edges.keys()) t.notOk(reachable(room).has(room), `${room} is not in an import cycle`)
})

t.test('no code bypasses Fastify or Node', async (t) => {
  const around = /\b_header\b|\.off\('request'|Object\.create\(app|raw\.writeHead =|removeAllListeners|\.prototype\./
  for (const { path, text } of [...src, ...plugins, ...routes]) t.notMatch(text, around, path)
})
