import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { SMTPServerOptions } from 'smtp-server'
import t from 'tap'
import { RefusedError } from '#mail/outgoing-mail.ts'
import { renderLetter } from '#mail/render.ts'
import { Smtp } from '#mail/smtp.ts'
import { certificate } from '../support/https.ts'
import { MailServer } from '../support/mail-server.ts'
import { freePort } from '../support/port.ts'
import { temporaryFolder } from '../support/service.ts'

const FROM = 'AI Akademiya <no-reply@academy.example>'
const SHORT = { connectMs: 300, silenceMs: 300, deadlineMs: 2000 }
const letter = (to: string, language: 'ru' | 'en' = 'en') => ({
  to,
  language,
  ...renderLetter('password_reset', language, 'https://academy.example/reset-password#token=a-b_c')
})

t.test('a certificate that cannot be read is refused by name', async (t) => {
  t.throws(() => new Smtp('smtps://mail.example?ca=/no/such/file', FROM), /^MAIL_URL.*refers to \/no\/such\/file/)
})

t.test('a letter arrives unchanged, in both languages', async (t) => {
  const server = await MailServer.start(t)
  const smtp = new Smtp(server.url, FROM)
  for (const [language, subject] of [
    ['ru', 'Новый пароль'],
    ['en', 'Set a new password']
  ] as const) {
    const sent = letter('ann@example.org', language)
    await smtp.send(sent)
    const { headers, text, html, token } = await server.next('ann@example.org')
    t.equal(headers.get('subject'), subject)
    t.match(headers.get('from'), 'AI Akademiya <no-reply@academy.example>')
    t.match([...headers.keys()], ['auto-submitted'])
    t.equal(token, 'a-b_c')
    t.equal(text.replaceAll('\r\n', '\n').trim(), sent.text.trim())
    t.equal(html.replaceAll('\r\n', '\n').trim(), sent.html.trim())
    t.match(html, `<html lang="${language}">`)
  }
})

t.test('no address can add a recipient or a header', async (t) => {
  const server = await MailServer.start(t)
  const smtp = new Smtp(server.url, FROM)
  for (const address of [
    'ann,ben@example.org',
    '<x>ann@example.org',
    'ann@example.org\r\nBcc: eve@example.org',
    'имя@example.org'
  ]) {
    await smtp.send(letter(address)).catch(() => {})
  }
  for (const address of ['<ann@example.org', 'ann@example.org>', '<<ann@example.org>>', 'ann@[127.0.0.1]']) {
    await t.rejects(smtp.send(letter(address)), RefusedError, 'ambiguous addresses are refused')
  }
  t.equal(server.received.length, 1)
  for (const { to, headers } of server.received) {
    t.equal(to.length, 1)
    t.notOk(headers.has('bcc'))
    t.notMatch(to[0], /^(ben|eve)@/)
  }
})

t.test('letters are sent over TLS, with a password and a custom CA', async (t) => {
  const pair = await certificate(t)
  const ca = join(await temporaryFolder(t), 'ca.pem')
  await writeFile(ca, pair.cert)
  const options = {
    ...pair,
    authOptional: false,
    onAuth: (({ username, password }, _session, done) => {
      if (username === 'us er' && password === 'p@ss') done(null, { user: 'x' })
      else done(new Error('wrong'))
    }) satisfies SMTPServerOptions['onAuth']
  }
  for (const secure of [false, true]) {
    const server = await MailServer.start(t, { ...options, secure })
    const url = (password: string) =>
      `${secure ? 'smtps' : 'smtp'}://us%20er:${password}@localhost:${server.port}?ca=${encodeURIComponent(ca)}`
    await new Smtp(url('p%40ss'), FROM).send(letter('ann@example.org'))
    t.equal(server.received.length, 1, secure ? 'TLS' : 'STARTTLS')
    const wrong = new Smtp(url('wrong'), FROM).send(letter('ann@example.org'))
    await t.rejects(wrong, { code: 'EAUTH' }, 'not a RefusedError: the operator can correct the password')
    const untrusted = new Smtp(url('p%40ss').replace(/\?.*/, ''), FROM).send(letter('ann@example.org'))
    await t.rejects(untrusted, { name: 'Error' })
    t.equal(server.received.length, 1)
  }
})

t.test('permanent refusals of a recipient are distinguished from errors worth a retry', async (t) => {
  const refusing = (responseCode: number) => (_: unknown, __: unknown, done: (error: Error) => void) =>
    done(Object.assign(new Error('no'), { responseCode }))
  const busy = await MailServer.start(t, { onRcptTo: refusing(450) })
  await t.rejects(new Smtp(busy.url, FROM).send(letter('a@example.org')), { name: 'Error', responseCode: 450 })
  const unknown = await MailServer.start(t, { onRcptTo: refusing(550) })
  await t.rejects(new Smtp(unknown.url, FROM).send(letter('a@example.org')), RefusedError)
  const sender = await MailServer.start(t, { onMailFrom: refusing(550) })
  await t.rejects(new Smtp(sender.url, FROM).send(letter('a@example.org')), { name: 'Error', responseCode: 550 })
})

t.test('sending to a silent or very slow server fails after a timeout', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {}).resume())
  const dripping = createServer((socket) => {
    socket.on('error', () => {})
    const timer = setInterval(() => socket.write('220-wait\r\n'), 100)
    socket.on('close', () => clearInterval(timer))
  })
  for (const server of [silent, dripping]) {
    const port = await freePort()
    await once(server.listen(port, '127.0.0.1'), 'listening')
    t.teardown(() => server.close())
    await t.rejects(new Smtp(`smtp://127.0.0.1:${port}`, FROM, SHORT).send(letter('a@example.org')))
  }
})
