import t from 'tap'
import { startTls } from '../support/topologies.ts'
import { behaviour } from './behaviour.ts'

t.test('tls', async (t) => behaviour(t, await startTls(t)))
