import t from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { timed } from '../support/eventually.ts'
import { send } from '../support/http.ts'
import { outcome, ScriptedRoutes, said, says } from '../support/scripted-routes.ts'

/** Far less than the deadline at which a ticket abandons itself. */
const SOON_MS = 3000

const routes = new ScriptedRoutes()
bothWays(
  t,
  async (t, { url }) => {
    const ask = (name: string, headers: Record<string, string> = {}) => send(`${url}/scripted/${name}`, { headers })

    await t.test('an answer sent by a hook instead of the handler is not cached', async (t) => {
      const name = routes.name(says('loaded'))
      t.equal((await ask(name, { 'x-early': 'yes' })).body, '"early"')
      t.same(outcome(await ask(name)), said('MISS', 'loaded'))
      t.same(
        outcome(await ask(name, { 'x-early': 'yes' })),
        said('HIT', 'loaded'),
        'a hit is answered before that hook'
      )
    })

    await t.test('a handler that hijacks its reply does not block other readers of the key', async (t) => {
      const name = routes.name((_request, reply) => {
        reply.hijack().raw.end('hijacked')
      }, says('loaded'))
      t.equal((await ask(name)).body, 'hijacked')
      const [answer, ms] = await timed(() => ask(name))
      t.same(outcome(answer), said('MISS', 'loaded'))
      t.ok(ms < SOON_MS, `${ms} ms`)
    })
  },
  {
    extension: {
      extend: (app) => {
        app.addHook('preHandler', (request, reply, done) => {
          if (request.headers['x-early']) reply.type('application/json').send('"early"')
          else done()
        })
        routes.extend(app)
      }
    }
  }
)
