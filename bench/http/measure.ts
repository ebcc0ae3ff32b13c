import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The server has a core of its own; the load and the databases share the other, so that they do not slow the server down. */
export const SERVER_CORE = '0'
export const LOAD_CORE = '1'
const LISTENING = /Server listening at (http:\/\/[^"\s]+)/
const START_MS = 60_000

/** Logs and other files of one run. */
export const FOLDER = mkdtempSync(join(tmpdir(), 'aikademiya-bench-'))
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(FOLDER, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
let started = 0

export interface Target {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

export interface Place {
  /** The cores it may use. Default: `SERVER_CORE`. */
  readonly cores?: string
}

/** Starts a server process that logs to a file. */
export async function serve(
  args: readonly string[],
  env: Record<string, string>,
  { cores = SERVER_CORE }: Place = {}
): Promise<Target> {
  const file = join(FOLDER, `${++started}.log`)
  const log = await open(file, 'w')
  const child = spawn('taskset', ['-c', cores, process.execPath, ...args], {
    env: { PATH: process.env.PATH, PORT: '0', ...env },
    stdio: ['ignore', log.fd, log.fd]
  })
  await log.close()
  running.add(child)
  child.once('exit', () => running.delete(child))
  const url = await urlIn(file, child)
  return { url, pid: child.pid ?? 0, stop: () => end(child) }
}

async function urlIn(file: string, child: ChildProcess): Promise<string> {
  for (const end = performance.now() + START_MS; performance.now() < end; await sleep(50)) {
    const log = await readFile(file, 'utf8')
    const url = LISTENING.exec(log)?.[1]
    if (url !== undefined) return url
    if (child.exitCode !== null) throw new Error(log)
  }
  throw new Error('the server does not listen')
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Moves a process and all its threads to these cores. Default: this process. */
export async function moveTo(cores: string, pid = process.pid): Promise<void> {
  await once(spawn('taskset', ['-a', '-cp', cores, String(pid)], { stdio: 'ignore' }), 'exit')
}

/** The CPU time of a process, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const { user, system } = await cpuTimes(pid)
  return user + system
}

/** The CPU time of a process in user and in kernel mode, in seconds. */
export async function cpuTimes(pid: number): Promise<{ user: number; system: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { user: Number(fields[11]) / 100, system: Number(fields[12]) / 100 }
}

/** The resident memory of a process, in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}
