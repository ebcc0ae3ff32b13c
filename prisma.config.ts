import { defineConfig } from 'prisma/config'

// The CLI looks for its native schema engine even for `generate`, which does not use it, and
// downloads one. Naming any executable stops that: our migrations run on the WASM engine instead.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' }
})
