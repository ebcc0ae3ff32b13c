/** `npm start`: serves until SIGTERM or SIGINT, then finishes the requests under way and closes. */
import { listen, run } from './run.ts'
import { startMessage } from './start-message.ts'

await run(async (app) => {
  const { host, port } = app.config
  await listen(app, host, port)
  const [address] = app.addresses()
  if (process.stdout.isTTY && typeof address === 'object') console.log(startMessage(app.config, address))
})
