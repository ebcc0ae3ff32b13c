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
/** What is refused before any limit counts it ends its connection, so that each costs the client a new one. */
export const HANG_UP = { Connection: 'close' }

/** A 401 names a way to authenticate. Browsers open no dialog for this one. */
const CHALLENGE = challenge()

/** For what Fastify itself refuses. */
const codes = new Map<number, ErrorCode>([
  [400, 'MALFORMED_BODY'],
  [404, 'NOT_FOUND'],
  [413, 'BODY_TOO_LARGE']
])

/** Every error leaves in the shape of the contract; what a client did not cause is logged, and told without its details. */
export default fp(
  async (app) => {
    const busy = new LineLimit(MAX_BUSY_LINES)
    app.setSchemaErrorFormatter((errors) => new Error(describeValidation(errors)))

    app.addHook('onRequest', ({ headers, raw }, _reply, done) => {
      if (headers.host === undefined && raw.httpVersion === '1.1') {
        done(new ApiError(400, 'MALFORMED_REQUEST', 'the header Host is missing', HANG_UP))
      } else if (headers.host?.includes(',')) {
        // Node joins several lines of a header (src/http/server.ts), and no host has a comma.
        done(new ApiError(400, 'MALFORMED_REQUEST', 'the header Host must be there once', HANG_UP))
      } else if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
        done(new ApiError(417, 'EXPECTATION_FAILED', 'Expect may only be 100-continue', HANG_UP))
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
          'a handler took longer than its handlerTimeout: see what it waits for, the database first'
        )
        reply.header('Retry-After', RETRY_AFTER_S)
        return send(request, reply, 503, 'TIMEOUT', 'this took too long: try again')
      }
      if (isDatabaseUnavailable(error)) {
        const { code, message, advice } = describeUnavailable(error)
        request.log.error({ err: error, sqlState: sqlState(error) }, advice)
        reply.header('Retry-After', RETRY_AFTER_S)
        return send(request, reply, 503, code, message)
      }
      request.log.error({ err: error }, 'request failed: a fault of the service')
      return send(request, reply, 500, 'INTERNAL', 'the service failed to answer; the log has the request id')
    })
  },
  { name: 'errors' }
)

function send(request: FastifyRequest, reply: FastifyReply, statusCode: number, code: ErrorCode, message: string) {
  if (statusCode === 401 && !reply.hasHeader('WWW-Authenticate')) reply.header('WWW-Authenticate', CHALLENGE)
  return reply.code(statusCode).send(errorBody(statusCode, code, message, request.id))
}
