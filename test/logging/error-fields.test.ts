import t from 'tap'
import { errorFields } from '#logging/error-fields.ts'

/** Must not be in any log line. */
const SECRET = 'ann@example.org'

t.test('an error is logged with type, message, code and stack, without values of rows', async (t) => {
  const driver = Object.assign(new Error(`duplicate key value: Key (email)=(${SECRET}) already exists.`), {
    code: '23505',
    detail: `Key (email)=(${SECRET}) already exists.`,
    table: 'app_user'
  })
  const prisma = Object.assign(new TypeError('Raw query failed', { cause: driver }), {
    code: 'P2010',
    meta: { driverAdapterError: { cause: driver } }
  })
  const fields = errorFields(prisma)
  t.notMatch(JSON.stringify(fields), new RegExp(SECRET))
  t.same(Object.keys(fields).sort(), ['cause', 'code', 'message', 'stack', 'type'])
  t.match(fields, { type: 'TypeError', code: 'P2010', stack: /error-fields\.test/, cause: { code: '23505' } })
  t.match(fields.cause?.message, /Key \(email\)=\(\.\.\.\) already exists/)
})

t.test(
  'row values are removed from constraint errors; aggregate errors, cycles and other values are logged',
  async (t) => {
    const row = new Error(`new row violates a constraint: Failing row contains (1, ${SECRET}, $argon2id$v=19).`)
    t.notMatch(JSON.stringify(errorFields(new AggregateError([row], 'all failed'))), new RegExp(SECRET))
    t.match(errorFields(new AggregateError([row], 'all failed')), { errors: [{ message: /Failing row contains/ }] })
    t.match(errorFields('a text'), { type: 'string', message: 'a text' })
    const circle = new Error('a circle')
    circle.cause = circle
    t.ok(errorFields(circle))
  }
)
