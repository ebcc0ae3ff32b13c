import t from 'tap'
import { startSeparate } from '../support/topologies.ts'
import { behaviour } from './behaviour.ts'

t.test('separate', async (t) => behaviour(t, await startSeparate(t)))
