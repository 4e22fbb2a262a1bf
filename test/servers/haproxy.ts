// HAProxy in TCP mode, in front of one server: the plain proxy that the benchmarks of MySQL compare with.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listens } from './pgbouncer.ts'
import { freePort } from './ports.ts'
import { cleanEnvironment, ended, firstExisting, until } from './programs.ts'

const BINARY = firstExisting('/usr/sbin/haproxy', '/usr/bin/haproxy')

export interface Haproxy {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** Undefined where the machine has none. */
export async function startHaproxy(upstream: number): Promise<Haproxy | undefined> {
  if (BINARY === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-haproxy-'))
  const port = await freePort()
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(
    file,
    `global
  nbthread 2
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen mysql
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${upstream}
`,
  )
  const child = spawn(BINARY, ['-db', '-f', file], { stdio: 'ignore', env: cleanEnvironment() })
  const leave = () => child.kill('SIGKILL')
  process.once('exit', leave)
  await until('haproxy to listen', () => listens(port))
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      process.off('exit', leave)
      child.kill('SIGTERM')
      if (!(await ended(child, 3_000))) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
