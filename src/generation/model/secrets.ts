/** Masks the key and the credentials of a URL in a text, in any encoding: some services echo what they were sent. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const forms = new Set(secrets.filter((secret) => secret.length > 3).flatMap(formsOf))
  let clean = text
  for (const form of [...forms].sort((a, b) => b.length - a.length)) clean = clean.replaceAll(form, '***')
  return clean.replace(/(\bhttps?:\/\/)[^\s/@"']+@/gi, '$1***@')
}

function formsOf(secret: string): string[] {
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...base64Of(secret)]
}

/**
 * The Base64 forms of a secret, alone or inside a longer text: one per offset modulo 3, without the characters that
 * depend on its neighbours.
 */
function base64Of(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)])
    const text = bytes.toString('base64').replace(/=+$/, '')
    const inner = text.slice(before === 0 ? 0 : before + 1, bytes.length % 3 === 0 ? undefined : -1)
    return inner.length < 8 ? [] : [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
