import { createKeys } from './browser.js'
import { setUpClearing } from './clearing.js'
import { toggle } from './dom.js'
import { follow } from './live.js'
import { createMemory } from './memory.js'
import { setUpNavigation } from './navigation.js'
import { createNotices } from './notices.js'
import { createOverview } from './overview.js'
import { createProcesses } from './processes.js'
import { createRoutes } from './routes.js'
import { createSessions } from './sessions.js'
import { setUpSettings } from './settings.js'
import { setUpSignOut } from './sign-out.js'
import { translate } from './words.js'

translate()
setUpSettings()
setUpClearing()
setUpSignOut()
const notices = createNotices()
const parts = [createOverview(), createKeys(), createMemory(), createRoutes(), createSessions(), createProcesses()]
setUpNavigation()

follow({
  onReport(report) {
    document.body.classList.toggle('embedded', report.mode === 'embedded')
    toggle('.redis-only', report.mode === 'redis')
    toggle('.writes', report.access !== 'link')
    notices.update(report)
    for (const part of parts) part.update(report)
  },
  onSilence: (problem) => notices.silent(problem)
})
