import { parse } from 'fast-querystring'

/** What links carry that were shared or advertised: it is for those who count visits, and changes no answer. */
const MARKETING =
  /^(utm_\w+|mc_[ce]id|fbclid|[dg]clid|gbraid|wbraid|gad_source|ttclid|yclid|ysclid|msclkid|_openstat|_ga|_gl)$/

/** The parameters of a query, without those of marketing, which no schema names; any other unknown one is refused by validation. */
export function parseQuery(query: string): Record<string, unknown> {
  const parameters: Record<string, unknown> = parse(query)
  for (const name of Object.keys(parameters)) if (MARKETING.test(name)) delete parameters[name]
  return parameters
}
