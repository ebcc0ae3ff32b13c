/** The sum of a cache counter over all series of a key prefix, from `/metrics` of the service at `url`. */
export async function cacheCount({ url }: { readonly url: string }, name: string, prefix: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const pattern = new RegExp(`^aikademiya_cache_${name}_total{[^}]*prefix="${prefix}"[^}]*} (\\d+)`, 'gm')
  return [...metrics.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0)
}
