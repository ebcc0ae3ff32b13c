import t from 'tap'
import { ModelServer } from '../support/model-server.ts'
import { RedisServer } from '../support/redis.ts'
import { runScript } from '../support/script.ts'

const generate = (args: string[], env = {}) => runScript('src/cli/generate.ts', env, ...args)

t.test('npm run generate', async (t) => {
  await t.test('prints a course as Markdown in the requested language, and progress to standard error', async (t) => {
    const { code, stdout, stderr } = await generate(['--topic', 'Шахматы', '--language', 'ru', '--modules', '2'])
    t.equal(code, 0)
    t.match(stdout, /^# .*[а-я].*\n\n.*[а-я]{4}/)
    t.equal(stdout.match(/^## \d\. /gm)?.length, 2)
    t.equal(stdout.match(/^### \d\.\d .* \(\d+′\)$/gm)?.length, 6)
    t.match(stderr, /^outline: .*\n1\/6 chapters: /)
  })

  await t.test('names the invalid argument, and exits with 2', async (t) => {
    for (const [args, problem] of [
      [[], /^--topic is required/],
      [['--topic', ' '], /^--topic has an invalid format/],
      [['--topic', 'Chess', '--level', 'expert'], /^--level must be one of beginner, /],
      [['--topic', 'Chess', '--modules', '99'], /^--modules must be <= 12/],
      [['--topic', 'Chess', '--chapters', 'x'], /^--chapters must/],
      [['--topic', 'Chess', '--language', 'fr'], /^--language must be .*"template" writes no other/],
      [['--subject', 'Chess'], /--subject/]
    ] as const) {
      const { code, stdout, stderr } = await generate([...args])
      t.same([code, stdout], [2, ''], args.join(' '))
      t.match(stderr, problem)
      t.match(stderr, /usage: npm run generate/)
    }
    t.match(await generate(['--help']), { code: 0, stdout: /^usage/, stderr: '' })
  })

  await t.test('asks the configured model, and with Redis only once', async (t) => {
    const model = await ModelServer.start(t)
    const redis = await RedisServer.start()
    t.teardown(() => redis.stop())
    const env = { ...model.env, REDIS_URL: redis.url }
    const args = ['--topic', 'Chess', '--modules', '1', '--chapters', '2']
    const first = await generate(args, env)
    t.match(first, { code: 0, stdout: /^# Course of Chess/ })
    t.equal(model.questions.length, 3)
    t.equal((await generate(args, env)).stdout, first.stdout)
    t.equal(model.questions.length, 3)

    await redis.kill()
    const without = await generate(args, env)
    t.match(without, { code: 0, stdout: first.stdout, stderr: /Redis does not answer/ })
  })

  await t.test('prints one line and exits with 1 when the model refuses', async (t) => {
    const model = await ModelServer.start(t)
    model.behaviour = (_question, response) => {
      response.writeHead(401).end('{"error":{"message":"who are you"}}')
      return null
    }
    const { code, stdout, stderr } = await generate(['--topic', 'Chess'], model.env)
    t.same([code, stdout], [1, ''])
    t.equal(stderr, 'the model service rejects the API key: check LLM_API_KEY\n')
  })
})
