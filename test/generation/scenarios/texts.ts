import { gzipSync } from 'node:zlib'
import { event, sendStream, token } from '../../support/model-server.ts'
import { type Scenario, say, send, sendAsAsked } from './scenario.ts'

const rawNewlines = (good: string) => good.replaceAll('\\n', '\n')
const thoughts = 'First I think of {"title": "no"} and then of more.'

/** Complete answers in unusual forms. */
const written: Readonly<Record<string, Scenario['serve']>> = {
  'a code fence': say((good) => `\`\`\`json\n${good}\n\`\`\``),
  'a fence without a language, indented JSON': say(
    (good) => `\`\`\`\n${JSON.stringify(JSON.parse(good), null, 2)}\n\`\`\``
  ),
  'a fence of tildes': say((good) => `~~~JSON\n${good}\n~~~`),
  'an unclosed fence': say((good) => `\`\`\`json\n${good}`),
  'a fence with CRLF': say((good) => `\`\`\`json\r\n${good}\r\n\`\`\`\r\n`),
  'text before and after': say((good) => `Sure! Here is the {JSON} you asked for:\n${good}\nI hope that {this} helps.`),
  'a byte order mark': say((good) => `\ufeff${good}`),
  'reasoning in <think>': say((good) => `<think>\n${thoughts}\n</think>\n\n${good}`),
  '</think> without an opening tag': say((good) => `${thoughts}\n</think>\n${good}`),
  '<think> without a closing tag': say((good) => `<think>\nI will write it.\n${good}`),
  'raw newlines in strings': say(rawNewlines),
  'a trailing comma': say((good) => good.replace(/\}$/, ',}')),
  'single quotes, as Python prints them': say((good) => good.replace(/\\n/g, ' ').replaceAll('"', "'")),
  'a comment in the JSON': say((good) => good.replace('{', '{ // the answer\n')),
  'a missing last bracket': say((good) => good.slice(0, -1)),
  'a number as a string': say((good) => good.replace('"minutes":12', '"minutes":"12"')),
  'a number with a fraction': say((good) => good.replace('"minutes":12', '"minutes":12.5')),
  'an additional field': say((good) => good.replace('{', '{"note":"as asked",')),
  'the object inside another': say((good) => `{"result": ${good}}`),
  'the object in a list': say((good) => `[${good}]`),
  'JSON in a string': say((good) => JSON.stringify(good)),
  'a tool call written as text': say((good) => `{"name": "answer", "arguments": ${good}}`),
  'the JSON twice': say((good) => `${good}\n${good}`),
  'a lone surrogate': say((good) => good.replace('Chess', 'Chess \\ud800')),
  'reasoning_content beside the answer': send((response, good) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(event({ choices: [{ delta: { content: null, reasoning_content: thoughts } }] }))
    sendRest(response, good)
  }),
  'the answer in reasoning_content': send((response, good, question) => {
    sendAsAsked(response, '', question, {
      message: { content: null, reasoning_content: good },
      delta: { reasoning_content: good }
    })
  }),
  'content in parts': send((response, good, question) => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: thoughts }] },
      { type: 'text', text: good }
    ]
    sendAsAsked(response, '', question, { message: { content }, delta: { content } })
  }),
  'a tool call': send((response, good, question) => {
    const tool_calls = [{ index: 0, type: 'function', function: { name: 'answer', arguments: good } }]
    sendAsAsked(response, '', question, {
      message: { content: null, tool_calls },
      delta: { tool_calls },
      finish_reason: 'tool_calls'
    })
  }),
  'content type text/plain': send((response, good) => {
    response.setHeader('content-type', 'text/plain')
    const choices = [{ message: { content: good }, finish_reason: 'stop' }]
    response.end(`\ufeff${JSON.stringify({ choices }, null, 2)}`)
  }),
  'no content type, a stream with CRLF and comments': send((response, good) => {
    response.write(': OPENROUTER PROCESSING\r\n\r\n')
    const half = good.length >> 1
    for (const part of [good.slice(0, half), good.slice(half)]) {
      response.write(`event: message\r\nid: 1\r\n${token(part).replaceAll('\n', '\r\n')}`)
    }
    response.end('data: [DONE]\r\n\r\n')
  }),
  'events that are not JSON before, between and after the others (data: ping)': send((response, good) => {
    const half = good.length >> 1
    response.write(`data: ping\n\ndata: keep-alive\n\ndata: {"choices": [{"del\n\n${token(good.slice(0, half))}`)
    response.write(`data: ping\n\ndata:\n${token(good.slice(half))}data: {"choices\n\n`)
    response.end(event({ choices: [{ delta: {}, finish_reason: 'stop' }] }))
  }),
  'an event that spans several data lines': send((response, good) => {
    const lines = JSON.stringify({ choices: [{ delta: { content: good }, finish_reason: 'stop' }] }, null, 1).split(
      '\n'
    )
    response.end(`${lines.map((line) => `data: ${line}\n`).join('')}\ndata: [DONE]\n\n`)
  }),
  'an empty delta beside the message, with 201': send((response, good) => {
    const choices = [{ delta: {}, message: { content: good }, finish_reason: 'stop' }]
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ choices }))
  }),
  'a stream that ends with the whole message again': send((response, good) => {
    response.write(token(good))
    response.end(event({ choices: [{ delta: {}, message: { content: good }, finish_reason: 'stop' }] }))
  }),
  'gzip for clients that accept it (the service does not)': send((response, good, { headers }) => {
    const text = JSON.stringify({ choices: [{ message: { content: good }, finish_reason: 'stop' }] })
    const isIdentity = headers['accept-encoding'] === 'identity'
    response.writeHead(200, isIdentity ? {} : { 'content-encoding': 'gzip' })
    response.end(isIdentity ? text : gzipSync(text))
  }),
  'a stream of bare JSON lines': send((response, good) => {
    const choice = (fields: object) => `${JSON.stringify({ choices: [{ index: 0, ...fields }] })}\n`
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.end(choice({ delta: { content: good } }) + choice({ delta: {}, finish_reason: 'stop' }))
  }),
  'a stream of single characters': send((response, good) => sendStream(response, good, {}, 1).end()),
  'a stream whose connection breaks after the last word': send((response, good) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(token(good), () => response.destroy())
  }),
  'a stream without a finish_reason': send((response, good) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(token(good))
  }),
  'truncated (length) after the whole answer': send((response, good, question) => {
    sendAsAsked(response, `${good}\n\nAnd by the w`, question, { finish_reason: 'length' })
  })
}

export const texts: readonly Scenario[] = Object.entries(written).map(([name, serve]) => ({
  name,
  calls: 3,
  outcome: 'course',
  serve
}))

function sendRest(response: Parameters<typeof sendStream>[0], good: string): void {
  response.write(token(good))
  response.write(event({ choices: [{ delta: {}, finish_reason: 'stop' }] }))
  response.end('data: [DONE]\n\n')
}
