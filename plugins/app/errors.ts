import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LineLimit } from '#bounds/line-limit.ts'
import { BusyError } from '#database/bulkhead.ts'
import { describeUnavailable, isDatabaseUnavailable, sqlState } from '#database/unavailable.ts'
import { challenge } from '#http/bearer.ts'
import type { ErrorCode } from '#http/error-codes.ts'
import { ApiError, errorBody } from '#http/errors.ts'
import { describeValidation } from '#http/validation.ts'

const RETRY_AFTER_S = 5
const MAX_BUSY_LINES = 1
/** Refusals that no limit counts close the connection, so that each one costs the client a new connection. */
export const CLOSE_CONNECTION = { Connection: 'close' }

/** A 401 must name a way to authenticate. Browsers open no dialog for this one. */
const CHALLENGE = challenge()

/** Codes for Fastify's own refusals. */
const codes = new Map<number, ErrorCode>([
  [400, 'MALFORMED_BODY'],
  [404, 'NOT_FOUND'],
  [413, 'BODY_TOO_LARGE']
])

/**
 * Sends every error in the documented shape. Errors that the client did not cause are logged, and sent without details.
 */
export default fp(
  async (app) => {
    const busy = new LineLimit(MAX_BUSY_LINES)
    app.setSchemaErrorFormatter((errors) => new Error(describeValidation(errors)))

    app.addHook('onRequest', ({ headers, raw }, _reply, done) => {
      if (headers.host === undefined && raw.httpVersion === '1.1') {
        done(new ApiError(400, 'MALFORMED_REQUEST', 'the header Host is missing', CLOSE_CONNECTION))
      } else if (headers.host?.includes(',')) {
        // Node joins repeated headers (src/http/server.ts), and no host contains a comma.
        done(new ApiError(400, 'MALFORMED_REQUEST', 'the header Host must occur only once', CLOSE_CONNECTION))
      } else if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
        done(
          new ApiError(
            417,
            'EXPECTATION_FAILED',
            'the only supported value of Expect is 100-continue',
            CLOSE_CONNECTION
          )
        )
      } else done()
    })

    app.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
      if (error instanceof ApiError) {
        if (error instanceof BusyError) {
          const counted = busy.take()
          if (counted !== null)
            request.log.warn(
              { code: error.code, ...counted },
              `${error.message}; if it lasts, raise DATABASE_POOL_SIZE`
            )
        }
        return send(request, reply.headers(error.headers), error.statusCode, error.code, error.message)
      }
      if (error.validation !== undefined) return send(request, reply, 400, 'VALIDATION_FAILED', error.message)
      const statusCode = error.statusCode ?? 500
      if (statusCode === 415) return send(request, reply, 415, 'NOT_JSON', 'send Content-Type: application/json')
      if (statusCode < 500)
        return send(request, reply, statusCode, codes.get(statusCode) ?? 'BAD_REQUEST', error.message)
      if (error.code === 'FST_ERR_HANDLER_TIMEOUT') {
        request.log.error(
          { err: error },
          'a handler took longer than its handlerTimeout: check what it waits for, the database first'
        )
        reply.header('Retry-After', RETRY_AFTER_S)
        return send(request, reply, 503, 'TIMEOUT', 'the request took too long: try again')
      }
      if (isDatabaseUnavailable(error)) {
        const { code, message, advice } = describeUnavailable(error)
        request.log.error({ err: error, sqlState: sqlState(error) }, advice)
        reply.header('Retry-After', RETRY_AFTER_S)
        return send(request, reply, 503, code, message)
      }
      request.log.error({ err: error }, 'request failed: internal error')
      return send(request, reply, 500, 'INTERNAL', 'internal error: the log has details under the request id')
    })
  },
  { name: 'errors' }
)

function send(request: FastifyRequest, reply: FastifyReply, statusCode: number, code: ErrorCode, message: string) {
  if (statusCode === 401 && !reply.hasHeader('WWW-Authenticate')) reply.header('WWW-Authenticate', CHALLENGE)
  return reply.code(statusCode).send(errorBody(statusCode, code, message, request.id))
}
