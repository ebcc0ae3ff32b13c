import t from 'tap'
import { refuse } from '../generation/scenarios/scenario.ts'
import { ModelServer } from '../support/model-server.ts'
import { runScript } from '../support/script.ts'

const check = (args: string[], env = {}) => runScript('src/cli/check-model.ts', env, ...args)

t.test('npm run check:model', async (t) => {
  const model = await ModelServer.start(t)
  const args = ['--url', model.url, '--model', 'dull-1', '--key-env', 'KEY']
  const KEY = 'sk-secret-of-tests'

  await t.test('reports a server that supports everything', async (t) => {
    const { code, stdout } = await check(args, { KEY })
    t.equal(code, 0)
    t.match(stdout, /^outline +"Course of Boiling an egg", 100 \+ 50 tokens, after \d/m)
    t.match(stdout, /^answer format +schema\nstreaming +yes\nsystem message +yes\n/m)
    t.match(stdout, /^requests +2 /m)
    t.match(stdout, /^total +200 \+ 100 tokens, .*\n\na course was written\n$/m)
    t.notMatch(stdout, /fell back|but/)
    t.equal(model.questions.at(-1)?.authorization, `Bearer ${KEY}`)
  })

  await t.test('reports the features that a limited server does not support', async (t) => {
    model.behaviour = refuse(({ body }) => 'response_format' in body, 400, 'response_format is not supported')()
    const { code, stdout } = await check(args, { KEY })
    t.equal(code, 0)
    t.match(stdout, /^answer format +prompt$/m)
    t.match(stdout, /^fell back to +the form of answers: json object instead of schema$/m)
    t.match(stdout, /^requests +4 /m)
  })

  await t.test('reports why a server refuses, without the key, and exits with 1', async (t) => {
    model.behaviour = refuse(() => true, 401, `wrong key ${KEY}`)()
    const { code, stdout, stderr } = await check(args, { KEY })
    t.equal(code, 1)
    t.match(stdout, /no course was written: .*LLM_API_KEY\nthe service said: 401 .*wrong key \*\*\*/)
    t.notMatch(stdout + stderr, KEY)
  })

  await t.test('names the invalid argument, and exits with 2', async (t) => {
    for (const [wrong, problem] of [
      [[], /^--url is required/],
      [['--url', 'ftp://x', '--model', 'm'], /^--url is required/],
      [['--url', model.url], /^--model is required/],
      [args, /^--key-env: the variable KEY is not set/],
      [['--surl'], /--surl/]
    ] as const) {
      const { code, stdout, stderr } = await check([...wrong])
      t.same([code, stdout], [2, ''])
      t.match(stderr, problem)
      t.match(stderr, /usage: npm run check:model/)
    }
    t.match(await check(['--help']), { code: 0, stdout: /^usage/, stderr: '' })
  })
})
