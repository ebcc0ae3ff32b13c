import { words } from './words.js'

const SILENCE_MS = 8000
const LOOK_MS = 2000

/** Passes every report of the service to `onReport`, and the reason for an interruption to `onSilence`. */
export function follow({ onReport, onSilence }) {
  let last = Date.now()
  let stream = null
  // The browser reconnects on its own after an interruption, but not after an error response.
  const connect = () => {
    stream = new EventSource('/api/v1/admin/cache/events')
    stream.addEventListener('report', ({ data }) => {
      last = Date.now()
      onReport(JSON.parse(data))
    })
  }
  connect()
  setInterval(async () => {
    if (Date.now() - last < SILENCE_MS) return
    const answer = await fetch('/api/v1/admin/cache').catch(() => null)
    // Signed out or no longer an admin: reloading shows the sign-in form.
    if (answer?.status === 401 || answer?.status === 403) return location.reload()
    if (!answer?.ok) return onSilence(answer?.status === 503 ? words.noSessions : words.offline)
    onReport(await answer.json())
    if (stream.readyState === EventSource.CLOSED) connect()
  }, LOOK_MS)
}
