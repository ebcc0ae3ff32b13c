import t from 'tap'
import { Actor, admin, draftOf, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { MailServer } from '../support/mail-server.ts'
import { bodyOf, OwnUser, statusOf } from '../support/people.ts'
import { freePort } from '../support/port.ts'
import { PostgresServer } from '../support/postgres.ts'
import { startService, temporaryFolder } from '../support/service.ts'
import { makeToken, withToken } from '../support/tokens.ts'

const AUTH = '/api/v1/auth'
const ME = '/api/v1/users/me'
const post = (actor: Actor, path: string, body?: unknown, headers?: Record<string, string>) =>
  actor.request('POST', `${AUTH}${path}`, body, headers)
const codeOf = async (answer: Promise<Response>, status: number) => (await bodyOf(ErrorBody, await answer, status)).code
const ownOf = async (actor: Actor) => bodyOf(OwnUser, await actor.get(ME))

t.test('account mail on PostgreSQL, with several letters prepared at a time', async (t) => {
  const mail = await MailServer.start(t)
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const service = await startService(t, {
    ...peopleEnvironment,
    ...mail.env,
    DATABASE_URL: await postgres.createDatabase('seeded')
  })
  const { url, app } = service
  const { client } = app.database
  const visitor = new Actor(url)
  const forgotten = (email: string, language = 'en') =>
    post(visitor, '/password/forgot', { email }, { 'accept-language': language })
  const reset = (token: string, password = 'quite another password') =>
    post(visitor, '/password/reset', { token, password })
  /** Backdates all letters, so that the limits on letters start again. */
  const later = () => client.$executeRaw`update letter set created_at = created_at - interval '1 day'`

  await t.test('a reset link sets the password once, and ends sessions and tokens', async (t) => {
    const ann = await register(url, 'ann')
    const script = withToken(url, (await makeToken(ann)).token)
    await mail.next('ann@example.org')
    t.equal(await statusOf(forgotten('Ann@Example.org', 'ru,en;q=0.5')), 202)
    const { token, headers, text } = await mail.next('ann@example.org')
    t.match([headers.get('subject'), headers.get('content-language')], ['Новый пароль', 'ru'])
    t.match(text, /^https:\/\/academy\.example\/reset-password#token=[\w-]{43}$/m)
    t.equal(
      await codeOf(reset(token, 'short'), 400),
      'VALIDATION_FAILED',
      'a refused password does not use the link up'
    )

    const statuses = await Promise.all([1, 2, 3].map(() => statusOf(reset(token))))
    t.same(statuses.sort(), [204, 400, 400])
    t.equal(await codeOf(reset(token), 400), 'BAD_LETTER_TOKEN')
    t.equal(await statusOf(ann.get(ME)), 401, 'the session has ended')
    t.equal(await statusOf(script.get(ME)), 401, 'the access token is revoked')
    await t.rejects(signIn(url, 'ann@example.org', 'password of ann'))
    const back = await signIn(url, 'ann@example.org', 'quite another password')
    t.match(await ownOf(back), { emailVerified: true }, 'a reset verifies the address')
  })

  await t.test(
    'a reset token expires after an hour or with a new password, but not with a newer letter, which a stranger may request',
    async (t) => {
      await register(url, 'ben')
      await mail.next('ben@example.org')
      await forgotten('ben@example.org')
      const old = (await mail.next('ben@example.org')).token
      await forgotten('ben@example.org')
      const { token } = await mail.next('ben@example.org')
      await client.$executeRaw`update letter set expires_at = now() - interval '1 second'`
      t.equal(await codeOf(reset(token), 400), 'BAD_LETTER_TOKEN')
      await client.$executeRaw`update letter set expires_at = now() + interval '1 hour'`
      t.equal(await statusOf(reset(old, 'password of ben 1')), 204)
      t.equal(await codeOf(reset(token), 400), 'BAD_LETTER_TOKEN')
      await forgotten('ben@example.org')
      const { token: last } = await mail.next('ben@example.org')
      const ben = await signIn(url, 'ben@example.org', 'password of ben 1')
      const change = { current: 'password of ben 1', next: 'password of ben 2' }
      t.equal(await statusOf(post(ben, '/password', change)), 204)
      t.equal(await codeOf(reset(last), 400), 'BAD_LETTER_TOKEN')
      for (const nonsense of ['x', `${token}x`, '%00']) {
        t.equal(await codeOf(reset(nonsense), 400), 'BAD_LETTER_TOKEN')
        t.equal(await codeOf(post(visitor, '/email/verify', { token: nonsense }), 400), 'BAD_LETTER_TOKEN')
      }
    }
  )

  await t.test('an address without an account gets the same answer, and no letter', async (t) => {
    const answers = await Promise.all(['ann@example.org', 'nobody@example.org'].map((email) => forgotten(email)))
    t.same(await Promise.all(answers.map((answer) => answer.text())), ['', ''])
    t.same(
      answers.map(({ status }) => status),
      [202, 202]
    )
    t.equal(await codeOf(forgotten('no address'), 400), 'VALIDATION_FAILED')
    await mail.next('ann@example.org')
    await t.resolves(settled())
    t.same(mail.received, [])
    t.equal(await client.letter.count({ where: { email: 'nobody@example.org' } }), 0, 'no letter is stored')
  })

  await t.test('strangers can neither flood a mailbox nor block letters to its owner', async (t) => {
    await later()
    for (let n = 0; n < 8; n++) t.equal(await statusOf(forgotten('ben@example.org')), 202)
    await settled()
    t.equal(mail.received.length, 5)
    t.equal(
      await client.letter.count({ where: { kind: 'password_reset', email: 'ben@example.org', digest: { not: null } } }),
      5
    )
    const { token: first } = await mail.next('ben@example.org')
    mail.received.length = 0

    // The tokens of the owner are about to expire.
    await client.$executeRaw`update letter set expires_at = now() + interval '29 minutes' where digest is not null`
    for (let n = 0; n < 3; n++) await forgotten('ben@example.org')
    await settled()
    t.equal(mail.received.length, 1, 'one more letter with a valid token')
    t.equal(await statusOf(reset(first, 'password of ben 3')), 204, 'the first token is still valid')
    mail.received.length = 0
    await forgotten('ben@example.org')
    const { token } = await mail.next('ben@example.org')
    t.equal(
      await statusOf(reset(token, 'password of ben 4')),
      204,
      'the new token is valid, however many letters there were'
    )

    const ben = await signIn(url, 'ben@example.org', 'password of ben 4')
    await client.user.updateMany({ where: { email: 'ben@example.org' }, data: { emailVerifiedAt: null } })
    t.equal(await statusOf(post(ben, '/email/verification')), 202, 'another kind of letter has its own limit')
    await mail.next('ben@example.org')
    for (let n = 0; n < 4; n++) await post(ben, '/email/verification')
    const answer = await post(ben, '/email/verification')
    t.ok(Number(answer.headers.get('retry-after')) > 0)
    t.match(await bodyOf(ErrorBody, answer, 429), { code: 'TOO_MANY_LETTERS' })
    await settled()
    mail.received.length = 0
  })

  await t.test('letters requested for an address without an account do not count once it has one', async (t) => {
    for (let n = 0; n < 20; n++) t.equal(await statusOf(forgotten('fay@example.org')), 202)
    await settled()
    const fay = await register(url, 'fay')
    await mail.next('fay@example.org')
    t.equal(await statusOf(post(fay, '/email/verification')), 202)
    await mail.next('fay@example.org')
    await settled()
    mail.received.length = 0
    await forgotten('fay@example.org')
    t.equal(await statusOf(reset((await mail.next('fay@example.org')).token)), 204)
  })

  await t.test('a letter verifies an address', async (t) => {
    const dora = await register(url, 'dora')
    t.match(await ownOf(dora), { emailVerified: false })
    const first = (await mail.next('dora@example.org')).token
    t.equal(await statusOf(post(dora, '/email/verification', undefined, { 'accept-language': 'ru' })), 202)
    const { token, headers } = await mail.next('dora@example.org')
    t.equal(headers.get('subject'), 'Подтвердите адрес электронной почты')
    t.equal(await codeOf(post(visitor, '/email/verify', { token: first }), 400), 'BAD_LETTER_TOKEN')
    t.equal(await codeOf(reset(token), 400), 'BAD_LETTER_TOKEN', 'a verification token resets no password')
    t.equal(await statusOf(post(visitor, '/email/verify', { token })), 204)
    t.match(await ownOf(dora), { emailVerified: true }, 'at once')
    t.equal(await codeOf(post(visitor, '/email/verify', { token }), 400), 'BAD_LETTER_TOKEN')
    t.equal(await codeOf(post(dora, '/email/verification'), 409), 'EMAIL_VERIFIED')
  })

  await t.test('a new address applies once verified, and the old address is notified', async (t) => {
    await later()
    const eve = await register(url, 'eve')
    await mail.next('eve@example.org')
    const change = (email: string, password = 'password of eve') => post(eve, '/email', { email, password })
    t.equal(await codeOf(change('new@example.org', 'wrong'), 403), 'WRONG_PASSWORD')
    t.equal(await codeOf(change('dora@example.org'), 409), 'EMAIL_TAKEN')
    t.equal(await codeOf(change('Eve@example.org'), 400), 'VALIDATION_FAILED')
    t.equal(await statusOf(change('first@example.org')), 202)
    const { token: first } = await mail.next('first@example.org')
    t.match((await mail.next('eve@example.org')).headers.get('subject'), /about to change/)
    t.equal(await statusOf(change('New@example.org')), 202)
    const { token } = await mail.next('new@example.org')
    t.equal(await codeOf(post(visitor, '/email/verify', { token: first }), 400), 'BAD_LETTER_TOKEN')
    t.match(await ownOf(eve), { email: 'eve@example.org' })
    t.equal(await statusOf(post(visitor, '/email/verify', { token })), 204)
    t.match(await ownOf(eve), { email: 'new@example.org', emailVerified: true })
    t.ok(await signIn(url, 'new@example.org', 'password of eve'))
    await t.rejects(signIn(url, 'eve@example.org', 'password of eve'))

    await later()
    t.equal(await statusOf(change('wanted@example.org')), 202)
    const { token: late } = await mail.next('wanted@example.org')
    await register(url, 'wanted')
    t.equal(await codeOf(post(visitor, '/email/verify', { token: late }), 409), 'EMAIL_TAKEN')
    t.match(await ownOf(eve), { email: 'new@example.org' })
  })

  await t.test('letters reach accounts with addresses stored by earlier versions, and nobody else', async (t) => {
    await register(url, 'gleb')
    await mail.next('gleb@example.org')
    const move = (from: string, to: string) => client.user.update({ where: { email: from }, data: { email: to } })
    await move('gleb@example.org', 'gleb@почта.рф')
    await forgotten('gleb@почта.рф')
    t.equal(await statusOf(reset((await mail.next('gleb@почта.рф')).token)), 204)
    await move('gleb@почта.рф', '<dora@example.org')
    await settled()
    mail.received.length = 0
    await forgotten('<dora@example.org')
    await settled()
    t.same(mail.received, [], 'dora gets no letter of another account')
  })

  /** Resolves once no letter is waiting. */
  async function settled(): Promise<void> {
    for (let n = 0; n < 500; n++) {
      if ((await client.letter.count({ where: { dueAt: { not: null } } })) === 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error('letters are still waiting')
  }

  await t.test('no token is stored in clear', async (t) => {
    await later()
    await forgotten('dora@example.org')
    const { token } = await mail.next('dora@example.org')
    const rows = await client.letter.findMany({ where: { digest: { not: null } } })
    t.ok(rows.length > 0)
    t.notMatch(JSON.stringify(rows), token)
  })
})

t.test('while the mail server is down requests are unaffected, and a restart loses no letter', async (t) => {
  const port = await freePort()
  const dataDir = await temporaryFolder(t)
  const env = {
    ...peopleEnvironment,
    DATA_DIR: dataDir,
    SESSION_SECRET: 'a secret that outlives the service',
    MAIL_URL: `smtp://127.0.0.1:${port}`,
    MAIL_FROM: 'no-reply@academy.example',
    PUBLIC_URL: 'https://academy.example/'
  }
  const first = await startService(t, env)
  await register(first.url, 'ann')
  const forgot = { email: 'ann@example.org' }
  t.equal(await statusOf(post(new Actor(first.url), '/password/forgot', forgot)), 202)
  await first.app.close()

  const mail = await MailServer.start(t, {}, port)
  const second = await startService(t, env)
  await second.app.database.client.$executeRaw`update letter set due_at = now() where due_at is not null`
  await post(new Actor(second.url), '/password/forgot', { email: 'nobody@example.org' })
  const letters = [await mail.next('ann@example.org'), await mail.next('ann@example.org')]
  const { token = '' } = letters.find(({ text }) => text.includes('/reset-password#')) ?? {}
  const password = 'a password after all'
  t.equal(await statusOf(post(new Actor(second.url), '/password/reset', { token, password })), 204)
})

t.test('operations that need a verified address name the reason', async (t) => {
  const service = await startService(t, { ...peopleEnvironment, REQUIRE_VERIFIED_EMAIL: 'generate,publish' })
  const { url, app } = service
  const ann = await register(url, 'ann')
  const { id, chapterId } = await draftOf(ann)
  const publish = () => ann.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' })
  const topic = { topic: 'Chess', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 1 }
  const generate = (actor = ann) => actor.request('POST', '/api/v1/generation', topic)
  t.equal(await codeOf(publish(), 403), 'EMAIL_NOT_VERIFIED')
  t.equal(await codeOf(generate(), 403), 'EMAIL_NOT_VERIFIED')
  for (const path of [
    `/api/v1/courses/${id}/chapters/${chapterId}/regenerate`,
    `/api/v1/generation/${crypto.randomUUID()}/retry`
  ])
    t.equal(await codeOf(ann.request('POST', path), 403), 'EMAIL_NOT_VERIFIED', path)
  t.equal(await statusOf(generate(await admin(service))), 202, 'the configured admin counts as verified')
  await app.database.client.user.update({ where: { email: 'ann@example.org' }, data: { emailVerifiedAt: new Date() } })
  t.equal(await statusOf(publish()), 200)
  t.equal(await statusOf(generate()), 202)
})

t.test('in production without MAIL_URL no letters are sent', async (t) => {
  const secret = { NODE_ENV: 'production', SESSION_SECRET: 'the secret of the tests is long enough' }
  const { url } = await startService(t, { ...peopleEnvironment, ...secret })
  const forgot = await post(new Actor(url), '/password/forgot', { email: 'ann@example.org' })
  t.ok(Number(forgot.headers.get('retry-after')) > 0)
  t.match(await bodyOf(ErrorBody, forgot, 503), { code: 'MAIL_OFF' })
})
