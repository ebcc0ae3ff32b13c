import { readFile } from 'node:fs/promises'
import t from 'tap'
import { examplesEnvironment, takeExamples } from '../support/examples.ts'
import { describedBy, fits } from '../support/openapi.ts'
import { startService } from '../support/service.ts'

/** Schemas whose examples are the same at every first start of a seeded service; account ids vary. */
const STABLE = ['Category', 'CategoryList', 'Chapter', 'Module', 'ModuleList']

/** The types within a value, without the values. */
function kinds(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(kinds)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, kinds(child)]))
}

t.test('the examples of the document match real answers', async (t) => {
  const service = await startService(t, examplesEnvironment)
  const document = await describedBy(service.url)
  const text = await readFile(new URL('../../src/http/openapi-examples.json', import.meta.url), 'utf8')
  const written: Record<string, unknown> = JSON.parse(text)
  const taken = await takeExamples(service)
  t.strictSame(Object.keys(written).sort(), Object.keys(taken).sort())
  for (const [name, example] of Object.entries(written)) {
    const schema = Object(document.components?.schemas?.[name])
    t.same(schema.examples, [example], `${name} has the example`)
    t.ok(fits(document, schema, example), `${name} fits`)
    if (STABLE.includes(name)) t.strictSame(example, taken[name], name)
    else t.strictSame(kinds(example), kinds(taken[name]), name)
  }
})
