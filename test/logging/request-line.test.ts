import { pino } from 'pino'
import t from 'tap'
import { formatRequestLine, type RequestLine } from '#logging/request-line.ts'

const request: RequestLine = {
  requestId: 'a-1',
  method: 'GET',
  url: '/api/v1/courses/1',
  route: '/api/v1/courses/:id',
  user: undefined,
  status: 200,
  ms: 1.23456,
  hits: 1,
  misses: 0
}

/** What pino writes of the same. */
function ofPino(level: 'info' | 'warn', fields: object, message: string): string {
  let line = ''
  const log = pino({}, { write: (text) => (line = text) })
  log.child({ requestId: request.requestId })[level](fields, message)
  return line
}

const withoutTime = (line: string) => line.replace(/"time":\d{13},/, '"time":0,')

t.test('a line is, to the letter, what pino would write', (t) => {
  const { requestId: _, user: __, ...fields } = request
  t.equal(withoutTime(formatRequestLine(request)), withoutTime(ofPino('info', { ...fields, ms: 1.235 }, 'request')))
  const slow = { cacheMs: 0.5, loadMs: 700.00049 }
  const { status, ms, hits, misses, ...about } = fields
  t.equal(
    withoutTime(formatRequestLine({ ...request, user: 7, slow })),
    withoutTime(
      ofPino('warn', { ...about, user: 7, status, ms: 1.235, hits, misses, cacheMs: 0.5, loadMs: 700 }, 'slow request')
    )
  )
  t.end()
})

t.test('what a client sends cannot break out of its field', (t) => {
  const url = '/a"b\\c\n{"level":60}\u2028\ud800'
  const line = formatRequestLine({ ...request, url, route: undefined })
  t.equal(line.indexOf('\n'), line.length - 1)
  t.equal(JSON.parse(line).url, url)
  t.notOk('route' in JSON.parse(line))
  t.end()
})
