import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import autoload from '@fastify/autoload'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type ConnectionError,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController
} from 'fastify'
import { LineLimit } from '#bounds/line-limit.ts'
import { Trace } from '#cache'
import type { Config } from '#config/config.ts'
import type { ErrorCode } from '#http/error-codes.ts'
import { ApiError, errorBody } from '#http/errors.ts'
import { FrontDoor } from '#http/front-door.ts'
import { originForm } from '#http/origin-form.ts'
import { parseQuery } from '#http/parse-query.ts'
import { requestId } from '#http/request-id.ts'
import { securityHeaders } from '#http/security-headers.ts'
import { createHttpServer, type HangUp, MAX_HEADER_BYTES } from '#http/server.ts'
import { timingHeaders } from '#http/timing-headers.ts'
import { errorFields } from '#logging/error-fields.ts'
import { logStream } from '#logging/log-stream.ts'
import { loggedUrl } from '#logging/logged-url.ts'
import type { Tracing } from '#tracing/tracing.ts'
import { buildValidator } from '../plugins/external/ajv-compiler.ts'
import { buildSerializer } from '../plugins/external/fast-json-stringify-compiler.ts'
import { proxyTrust } from '../plugins/external/proxy-addr.ts'
import { networkKey } from '../plugins/external/rate-limit.ts'
import { registerPlugins } from '../plugins/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly config: Config
    /** Null if tracing is off. */
    readonly tracing: Tracing | null
  }
}

/** Log lines per second about requests that are refused before routing. */
const MAX_REFUSALS = 20
const BODY_LIMIT_BYTES = 1024 * 1024
/** How long a client that sent a malformed request has to read the answer. */
const LINGER_MS = 1000
/** Long, because the database plugin may wait for another process that migrates and seeds. */
const START_TIMEOUT_MS = 120_000

/**
 * Builds the service from `config`: plugins first, then routes. It does not listen yet; `close` releases all resources.
 * `extend` may add hooks and routes; it runs after our plugins and before our routes, so that its hooks apply to them.
 */
export async function buildApp(
  config: Config,
  extend: (app: FastifyInstance) => void | Promise<void> = () => {},
  tracing: Tracing | null = null
): Promise<FastifyInstance> {
  const frontDoor = new FrontDoor()
  const isProxy = proxyTrust(config.trustProxy)
  const addressKey = (address: string | undefined) =>
    isProxy !== false && address !== undefined && isProxy(address, 0) ? null : networkKey(address)
  const reportHangUp = (reason: HangUp, remoteAddress: string | undefined) => {
    const [level, message] = hangUps[reason]
    const counted = refusals.take()
    if (counted !== null) app.log[level]({ reason, remoteAddress, ...counted }, message)
  }
  const app = Fastify({
    logger: {
      level: config.logLevel,
      redact: ['req.headers.cookie', 'req.headers.authorization'],
      serializers: { err: (error: unknown) => errorFields(error) },
      stream: logStream,
      ...(tracing !== null && { mixin: () => tracing.activeIds() ?? {} })
    },
    // plugins/app/request-log.ts logs one line per request instead, with the work of the cache.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    rewriteUrl: ({ url }) => originForm(url),
    trustProxy: isProxy,
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { ignoreTrailingSlash: true, querystringParser: parseQuery },
    pluginTimeout: START_TIMEOUT_MS,
    serverFactory: (handler) =>
      createHttpServer(frontDoor.before(handler), { ...config.server, addressKey }, reportHangUp),
    forceCloseConnections: 'idle',
    // Requests that have arrived are answered even while the service is closing.
    return503OnClosing: false,
    frameworkErrors: answerBadUrl,
    clientErrorHandler: answerBadRequest,
    schemaController: { compilersFactory: { buildValidator, buildSerializer } }
  }).withTypeProvider<TypeBoxTypeProvider>()

  // Some clients send this Content-Type without a body: routes that need a body say so in their schema.
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity'
    if (encoding.toLowerCase() !== 'identity') done(encodedBody())
    else if (body === '') done(null, undefined)
    else parseJson(request, body, done)
  })

  if (config.trustProxy === true) {
    app.log.warn(
      'TRUST_PROXY=true trusts any address that a client claims, so limits by address have no effect: set the number of proxies ' +
        'in front (TRUST_PROXY=1), or their networks (TRUST_PROXY=10.0.0.0/8)'
    )
  }
  app.decorate('config', config)
  app.decorate('tracing', tracing)
  app.decorate('frontDoor', frontDoor)
  try {
    await registerPlugins(app)
    await extend(app)
    await app.register(autoload, {
      dir: folder('routes'),
      routeParams: true,
      // A worker has no API.
      ...(config.role === 'worker' ? { matchFilter: /^\/(health|metrics)\// } : {})
    })
    app.answerOtherMethods()
    await app.ready()
  } catch (error) {
    await app.close()
    throw error
  }
  return app
}

/** 415 with the accepted encodings (RFC 9110, 15.5.16). A compressed body could bypass the limit on its size. */
function encodedBody(): ApiError {
  return new ApiError(415, 'ENCODED_BODY', 'send the body without Content-Encoding', { 'Accept-Encoding': 'identity' })
}

function folder(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url))
}

/** Answers a URL that the router cannot parse: no hook runs, so this sets the headers of every response itself. */
function answerBadUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const statusCode = error.statusCode ?? 400
  const [code, message] = badUrls.get(statusCode) ?? ['MALFORMED_URL', 'the URL path is malformed']
  logRefusal(request.log, { status: statusCode, code, url: loggedUrl(request.url), remoteAddress: request.ip })
  reply
    .code(statusCode)
    // No limit counts these requests, so each one costs the client a new connection.
    .headers({ ...headersWithoutHooks(request.id), Connection: 'close' })
    .send(errorBody(statusCode, code, message, request.id))
}

const refusals = new LineLimit(MAX_REFUSALS)

function logRefusal(log: FastifyBaseLogger, fields: Readonly<Record<string, unknown>>): void {
  const counted = refusals.take()
  if (counted !== null) log.info({ ...fields, ...counted }, 'request refused')
}

const badUrls = new Map<number, [ErrorCode, string]>([[414, ['URL_TOO_LONG', 'a part of the URL path is too long']]])

/** The headers that hooks set for all other responses. */
function headersWithoutHooks(requestId: string): Record<string, string | number> {
  return { ...securityHeaders, 'Cache-Control': 'no-store', ...timingHeaders(requestId, new Trace(), 0) }
}

const hangUps = {
  process: ['warn', 'connections refused: the process has reached MAX_CONNECTIONS; raise it, or start more processes'],
  address: [
    'warn',
    'connections refused: an address has reached MAX_CONNECTIONS_PER_ADDRESS; if it is a proxy, set TRUST_PROXY'
  ],
  new: [
    'warn',
    'connections refused: an address opens too many; reuse them, raise MAX_CONNECTIONS_PER_ADDRESS, or set TRUST_PROXY for a proxy'
  ],
  pipelining: ['info', 'connection closed: the client sent too many requests without reading the answers'],
  'not reading': ['info', 'connection closed: the client stopped reading its answer']
} as const satisfies Record<HangUp, readonly ['info' | 'warn', string]>

/**
 * Answers data that is not HTTP, and headers that are too large or too slow. There is only a socket, no reply object.
 */
function answerBadRequest(this: FastifyInstance, error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  const [statusCode, code, message] = parserErrors.get(error.code) ?? [400, 'MALFORMED_REQUEST', 'not an HTTP request']
  const requestId = randomUUID()
  logRefusal(this.log, { requestId, status: statusCode, code, remoteAddress: socket.remoteAddress })
  const body = JSON.stringify(errorBody(statusCode, code, message, requestId))
  const headers = {
    ...headersWithoutHooks(requestId),
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close'
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  // Closes the connection even if the client does not: whatever else it sends is useless.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.end(`HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n${lines.join('')}\r\n${body}`)
}

const parserErrors = new Map<string, [number, ErrorCode, string]>([
  [
    'HPE_HEADER_OVERFLOW',
    [431, 'HEADERS_TOO_LARGE', `the URL and the headers together are larger than ${MAX_HEADER_BYTES} bytes`]
  ],
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, 'REQUEST_TIMEOUT', 'the request took too long to arrive']]
])
