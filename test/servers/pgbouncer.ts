// PgBouncer in session mode, in front of one server: the plain proxy that the benchmarks compare with.
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { cleanEnvironment, ended, firstExisting, until } from './programs.ts'

export interface PgBouncer {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

const BINARY = firstExisting('/usr/sbin/pgbouncer', '/usr/bin/pgbouncer')

/** True when the machine has PgBouncer. */
export const hasPgBouncer = BINARY !== undefined

/** Starts PgBouncer in front of a server that trusts `user` on loopback. */
export async function startPgBouncer(upstream: {
  port: number
  user: string
  password?: string
  connections?: number
}): Promise<PgBouncer> {
  if (BINARY === undefined) throw new Error('pgbouncer is not on this machine')
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pgbouncer-'))
  const port = await freePort()
  const password = upstream.password ?? ''
  writeFileSync(join(folder, 'users.txt'), `"${upstream.user}" "${password}"\n`)
  // An empty password in quotes would make it drop the line.
  const secret = password === '' ? '' : ` password='${password}'`
  const pool = upstream.connections ?? 200
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=127.0.0.1 port=${upstream.port} user=${upstream.user}${secret}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = trust',
      `auth_file = ${join(folder, 'users.txt')}`,
      'pool_mode = session',
      `default_pool_size = ${pool}`,
      `max_client_conn = ${pool + 100}`,
      'ignore_startup_parameters = extra_float_digits,options',
      'log_connections = 0',
      'log_disconnections = 0',
      `logfile = ${join(folder, 'pgbouncer.log')}`,
      '',
    ].join('\n'),
  )
  // PgBouncer refuses to run as root.
  const root = process.getuid?.() === 0
  const nobody = 65534
  if (root) {
    for (const name of ['', 'users.txt', 'pgbouncer.ini'])
      chownSync(join(folder, name), nobody, nobody)
  }
  chmodSync(folder, 0o700)
  const child = spawn(BINARY, ['-q', join(folder, 'pgbouncer.ini')], {
    stdio: 'ignore',
    env: cleanEnvironment(),
    ...(root ? { uid: nobody, gid: nobody } : {}),
  })
  const leave = () => child.kill('SIGKILL')
  process.once('exit', leave)
  await until('pgbouncer to listen', () => listens(port))
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      process.off('exit', leave)
      child.kill('SIGTERM')
      if (!(await ended(child, 3000))) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** True when something accepts connections on a port of 127.0.0.1. */
export function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}
