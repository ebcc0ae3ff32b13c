import t from 'tap'
import { digestOf, isToken, newToken, shownPart } from '#access-tokens/token.ts'

t.test('a token has a prefix, 256 random bits and their checksum', async (t) => {
  const tokens = Array.from({ length: 1000 }, newToken)
  t.equal(new Set(tokens).size, tokens.length)
  t.equal(new Set(tokens.map(shownPart)).size > 900, true)
  for (const token of tokens) {
    t.match(token, /^aka_[0-9A-Za-z]{49}$/)
    t.ok(isToken(token), token)
  }
  // Every position of the random part varies.
  for (let at = 5; at < 47; at++) t.ok(new Set(tokens.map((token) => token[at])).size > 50, `position ${at}`)
})

t.test('the checksum is CRC-32 in base 62, as documented in docs/configuration.md for scanners', async (t) => {
  t.ok(isToken('aka_00000000000000000000000000000000000000000004dGvOR'))
})

t.test('a token with a wrong or an extra character is invalid', async (t) => {
  const token = newToken()
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === 'x' ? 'y' : 'x'
    t.notOk(isToken(token.slice(0, at) + other + token.slice(at + 1)), `position ${at}`)
  }
  for (const text of ['', 'aka_', `${token}0`, token.slice(0, -1), `${token}\n`, ` ${token}`])
    t.notOk(isToken(text), text)
})

t.test('the digest of a token is SHA-256', async (t) => {
  t.equal(
    digestOf('abc'),
    Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex').toString('base64url')
  )
})
