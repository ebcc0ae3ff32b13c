import { parse } from 'fast-querystring'

/** Tracking parameters of shared and advertised links; they do not affect the answer. */
const MARKETING =
  /^(utm_\w+|mc_[ce]id|fbclid|[dg]clid|gbraid|wbraid|gad_source|ttclid|yclid|ysclid|msclkid|_openstat|_ga|_gl)$/

/**
 * Parses a query and drops tracking parameters, which no schema allows; validation refuses any other unknown parameter.
 */
export function parseQuery(query: string): Record<string, unknown> {
  const parameters: Record<string, unknown> = parse(query)
  for (const name of Object.keys(parameters)) if (MARKETING.test(name)) delete parameters[name]
  return parameters
}
