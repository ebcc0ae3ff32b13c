import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startServer } from '../support/server-process.ts'

/** A process that runs `script`, in which `log` writes to the stream. */
function logging(script: string) {
  const program = `
    import { pino } from 'pino'
    import { logStream } from ${JSON.stringify(new URL('../../src/logging/log-stream.ts', import.meta.url).href)}
    const log = pino(logStream)
    process.stderr.write('begun')
    ${script}`
  return startServer(process.execPath, ['--input-type=module-typescript', '--eval', program], /begun/)
}

const messages = (output: string) => output.match(/(?<="msg":")[^"]*/g)

t.test('lines are written in order, however many there are', async (t) => {
  const child = await logging('for (let i = 0; i < 1000; i++) log.info(String(i))')
  t.equal(await child.kill('SIGCONT'), 0)
  t.same(
    messages(child.output()),
    Array.from({ length: 1000 }, (_, i) => String(i))
  )
})

t.test('a line is written within half a second, an error at once', async (t) => {
  const child = await logging("log.info('first'); setInterval(() => {}, 1000)")
  await sleep(500)
  t.same(messages(child.output()), ['first'])
  await child.kill('SIGKILL')

  const killed = await logging(
    "log.info('before'); log.error('trouble'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)"
  )
  await killed.kill('SIGCONT')
  t.same(messages(killed.output()), ['before', 'trouble'])
})

t.test('a line of level warn, such as that of a slow request, is written at once, too', async (t) => {
  const child = await logging(
    `logStream.write('{"msg":"slow request"}\\n', 40); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)`
  )
  await child.kill('SIGCONT')
  t.same(messages(child.output()), ['slow request'])
})

t.test('buffered lines are written when the process ends, however it ends', async (t) => {
  const ways = {
    exit: 'process.exit(3)',
    error: "throw new Error('nobody catches it')",
    end: '',
    'end, with a pause': "for (let i = 0; i < 100; i++) log.info('earlier'); setTimeout(() => log.info('last'), 50)"
  }
  for (const [way, end] of Object.entries(ways)) {
    const child = await logging(`log.info('last'); ${end}`)
    await child.kill('SIGCONT')
    const lines = messages(child.output()) ?? []
    t.equal(lines.at(-1), 'last', way)
    t.equal(lines.length, way === 'end, with a pause' ? 102 : 1, way)
  }
})
