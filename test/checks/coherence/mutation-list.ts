import type { Replacement } from '../../support/repository-copy.ts'
import type { Lease } from './options.ts'

/** A plausible mistake, as one replacement in the source. */
export interface Mutation extends Replacement {
  readonly name: string
  /** The lease at which the load detects it; or a test, if the load would detect it too rarely. */
  readonly by: { readonly lease: Lease } | { readonly test: string }
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'stamps are read after the load',
    file: 'src/cache/read/ticket.ts',
    text: 'await keeper.write(spec, loaded.entry,',
    becomes: 'await keeper.write(spec, { ...loaded.entry, stamps: await keeper.takeStamps(loaded.entry.tags) },',
    by: { lease: '0' }
  },
  {
    name: 'flights are keyed without the stamps',
    file: 'src/cache/read/reader.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
    text: ' ${stamps.join()}`',
    becomes: '`',
    by: { test: 'test/cache/invalidation.test.ts' }
  },
  {
    name: 'a reader that joins a flight does not check the tags that it found',
    file: 'src/cache/read/flights.ts',
    text: '(await isUsable(loaded))',
    becomes: 'isUsable !== undefined',
    by: { test: 'test/cache/found-tags.test.ts' }
  },
  {
    name: 'a write is acknowledged before the invalidation',
    file: 'src/database/commit-listener.ts',
    text: 'await cache.invalidate(',
    becomes: 'void cache.invalidate(',
    by: { test: 'test/database/commit-listener.test.ts' }
  },
  {
    name: 'the stamps of an entry are not compared',
    file: 'src/cache/entry.ts',
    text: 'stamps[from + i] !== current[i]',
    becomes: 'stamps[from + i] === undefined',
    by: { lease: '0' }
  },
  {
    name: 'the shape of an entry is ignored',
    file: 'src/cache/entry.ts',
    text: 'entry.shape !== shape',
    becomes: 'shape === undefined',
    by: { test: 'test/cache/entry-shape.test.ts' }
  },
  {
    name: 'tags that a load found are not checked',
    file: 'src/cache/read/validator.ts',
    text: 'const tags = entry.tags.slice(from)',
    becomes: 'const tags = from === 0 ? entry.tags.slice(0, 1) : []',
    by: { lease: '0' }
  },
  {
    name: 'lists do not depend on courses',
    file: 'src/courses/cache-specs.ts',
    text: 'tags: [tags.courses, tags.categories,',
    becomes: 'tags: [tags.categories,',
    by: { lease: '0' }
  },
  {
    name: 'searches do not depend on the text of chapters',
    file: 'src/courses/cache-specs.ts',
    text: '[tags.search]',
    becomes: '[]',
    by: { test: 'test/topologies/search-processes.topology.ts' }
  },
  {
    name: 'pages do not depend on the names that they show',
    file: 'src/courses/catalogue.ts',
    text: 'await dependOn(names)',
    becomes: 'await dependOn([])',
    by: { lease: '0' }
  },
  {
    name: 'publishing a course does not invalidate lists',
    file: 'prisma/migrations/20261127001000_category_moves/migration.sql',
    text: "OLD.status = 'published' OR NEW.status = 'published'",
    becomes: "OLD.status = 'published'",
    by: { test: 'test/database/tags.test.ts' }
  },
  {
    name: 'the memory tier ignores dropped tags',
    file: 'src/cache/l1/memory-tier.ts',
    text: 'for (const tag of tags) this.#watch(tag).droppedAt = tick',
    becomes: 'for (const tag of tags) void [tag, tick]',
    by: { lease: 'default' }
  },
  {
    name: 'the memory tier keeps what a load that raced a write returned',
    file: 'src/cache/l1/memory-tier.ts',
    text: 'this.#copies.set(key, { entry, check, expiresAt })',
    becomes:
      'this.#copies.set(key, { entry, check: { ...check, watches: check.watches.map(({ tag }) => ({ tag, tick: this.#tick })) }, expiresAt })',
    by: { lease: 'default' }
  }
]
