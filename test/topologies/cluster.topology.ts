import t from 'tap'
import { startCluster } from '../support/topologies.ts'
import { behaviour } from './behaviour.ts'

t.test('cluster', async (t) => behaviour(t, await startCluster(t)))
