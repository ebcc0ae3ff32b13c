import t from 'tap'
import { startSentinel } from '../support/topologies.ts'
import { behaviour } from './behaviour.ts'

t.test('sentinel', async (t) => behaviour(t, await startSentinel(t)))
