// A real OpenSSH server on a free loopback port, in a folder of its own, for whoever runs the tests: keys only.
import { spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { ended, run, until } from './programs.ts'

export interface RunningSshd {
  readonly port: number
  /** Who may log in: whoever runs the tests. */
  readonly user: string
  /** The private key that it lets in, as a path and as text. */
  readonly key: string
  /** Its own public key, as one line. */
  readonly hostKey: string
  readonly folder: string
  /** What it has said last. */
  log(): string
  stop(): Promise<void>
}

/**
 * `prepare`: fills the server's folder and gives more lines of sshd_config(5). `as`: who runs it and may log in, when that is
 * not whoever runs the tests (root can be anybody): a name of passwd(5).
 */
export async function startSshd(
  prepare: (folder: string) => readonly string[] = () => [],
  as: string = userInfo().username,
): Promise<RunningSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sshd-'))
  const [host, key] = [join(folder, 'host'), join(folder, 'key')]
  for (const file of [host, key]) {
    const made = await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
    if (made.code !== 0) throw new Error(made.stderr)
  }
  // Privilege separation asks for it where root runs the server.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 })
  const port = await freePort()
  const config = join(folder, 'sshd_config')
  writeFileSync(
    config,
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${host}`,
      `AuthorizedKeysFile ${key}.pub`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'AcceptEnv LANG LC_* TERM',
      'Subsystem sftp internal-sftp',
      'MaxSessions 600',
      'MaxStartups 200',
      ...prepare(folder),
      '',
    ].join('\n'),
  )
  const owner = as === userInfo().username ? undefined : await idsOf(as)
  if (owner !== undefined)
    for (const file of [folder, host, `${key}.pub`, config]) chownSync(file, owner.uid, owner.gid)
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...owner,
  })
  let said = ''
  child.stderr.on('data', chunk => {
    said = (said + String(chunk)).slice(-20_000)
  })
  child.stdout.resume()
  const leave = () => child.kill('SIGKILL')
  process.once('exit', leave)
  await until('sshd to listen', () => {
    if (child.exitCode !== null) throw new Error(`sshd ended at once:\n${said}`)
    return listens(port)
  })
  return {
    port,
    user: as,
    key,
    hostKey: readFileSync(`${host}.pub`, 'utf8').trim(),
    folder,
    log: () => said,
    async stop() {
      process.off('exit', leave)
      child.kill('SIGTERM')
      await ended(child, 5_000)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function idsOf(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const ids = await Promise.all(['-u', '-g'].map(which => run('id', [which, name])))
  const [uid, gid] = ids.map(({ stdout }) => Number(stdout))
  if (!uid || !gid) throw new Error(`there is no user ${name}, or it is root`)
  return { uid, gid }
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
