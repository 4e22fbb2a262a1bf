// A real nginx with one worker and the `http` block that a test or a benchmark gives it.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanEnvironment, ended, until } from './programs.ts'

const BINARY = '/usr/sbin/nginx'

export interface Nginx {
  readonly folder: string
  /** The worker's. */
  readonly pid: number
  stop(): Promise<void>
}

/** `http`: what stands in the block; `FOLDER` is this one's own. `port`: one of those that it listens on. */
export async function startNginx(port: number, http: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-nginx-'))
  for (const name of ['body', 'proxy', 'root']) mkdirSync(join(folder, name))
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log crit;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http {
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  server_tokens off; keepalive_requests 100000000;
  ${http.replaceAll('FOLDER', folder)}
}`,
  )
  const child = spawn(
    BINARY,
    ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')],
    {
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let said = ''
  child.stderr.on('data', chunk => {
    said += chunk
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended(child, 5_000)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until('nginx listens', async () => {
      if (child.exitCode !== null) throw new Error(`nginx did not start: ${said}`)
      return answers(port)
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { folder, pid: workerOf(child.pid ?? 0), stop }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

function workerOf(master: number): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (Number(fields[1]) === master) return Number(name)
    } catch {
      // A process that has ended since is not the one.
    }
  }
  return master
}
