// Messages that no client sends, sealed as any other: broken ones of every type, at every stage. The process lives,
// nothing escapes a session's own `catch`, and others are served.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { draws } from '../draws.ts'
import { type ShellStage, startShellStage } from '../e2e/ssh-stage.ts'
import { until } from '../servers/programs.ts'
import { message, type RawClient, rawClient, send } from './ssh-raw.ts'

let stage: ShellStage
let password: string

beforeAll(async () => {
  stage = await startShellStage({ limits: { loginMs: 5_000 } })
  stage.gateway.writePolicies({ 'tunnels.cedar': TUNNELS })
  password = await stage.credential()
})
afterAll(() => stage?.stop())

/** Permitted, so that what is broken comes as deep as it can: to where nobody listens, and nobody is harmed. */
const TUNNELS = `
@id("tunnels") permit (principal, action == Action::"tunnel", resource in Resource::"web-1")
when { context has tunnel && context.tunnel.port <= 1 };
`

const { pick, below, chance, bytes } = draws('messages of SSH')
const NUMBERS = [0, 1, 2, 77, 255, 32_768, 2_097_152, 2 ** 31, 2 ** 32 - 1]
const TEXTS = [
  '',
  'web-1',
  'ssh-userauth',
  'ssh-connection',
  'password',
  'publickey',
  'keyboard-interactive',
  'hostbased',
  'none',
  'session',
  'direct-tcpip',
  'forwarded-tcpip',
  'x11',
  'auth-agent@openssh.com',
  'x11-req',
  'auth-agent-req@openssh.com',
  'streamlocal-forward@openssh.com',
  'cancel-tcpip-forward',
  'localhost',
  '/nonexistent/x.sock',
  'direct-streamlocal@openssh.com',
  'tcpip-forward',
  'no-more-sessions@openssh.com',
  'hostkeys-00@openssh.com',
  'ssh-ed25519',
  'rsa-sha2-512',
  'pty-req',
  'env',
  'exec',
  'shell',
  'subsystem',
  'sftp',
  'signal',
  'window-change',
  'true',
  'x'.repeat(3_000),
  '\u0000\u001b',
]
/** Transport, authentication, connection; and a few that are nobody's. */
const TYPES = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 30, 31, 50, 51, 52, 53, 60, 61, 63, 80, 81, 82],
  ...[90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 0, 192, 255],
]

/** Well formed, with numbers and texts that fit or do not: what is asked for by a tunnel. */
function tunnel(): Buffer {
  const [window, packet, port] = [
    pick(NUMBERS),
    pick([32_768, ...NUMBERS]),
    pick([0, 1, 1, 65_536]),
  ]
  return pick([
    () => message(90, 'direct-tcpip', pick(NUMBERS), window, packet, pick(HOSTS), port, 'x', 1),
    () => message(90, 'direct-streamlocal@openssh.com', 1, window, packet, pick(PATHS), '', 0),
    () => message(80, pick(['tcpip-forward', 'cancel-tcpip-forward']), true, pick(HOSTS), port),
    () => message(80, 'streamlocal-forward@openssh.com', true, pick(PATHS)),
    () => message(98, below(3), 'auth-agent-req@openssh.com', chance(0.5)),
    () =>
      message(98, below(3), 'x11-req', true, chance(0.5), 'MIT-MAGIC-COOKIE-1', 'ab', below(300)),
    () => message(98, below(3), 'signal', false, pick(['TERM', 'KILL', 'NONE'])),
    () =>
      message(
        98,
        below(3),
        'pty-req',
        true,
        'xterm',
        80,
        24,
        0,
        0,
        pick(['\u0035\0\0\0\0\0', '\u0001', '']),
      ),
  ])()
}
const HOSTS = ['localhost', '127.0.0.1', '', '0x7f.1', '::1', '*', 'a\0b']
const PATHS = ['/nonexistent/x.sock', '/a/../b', '', 'x']

function broken(): Buffer {
  const parts = Array.from({ length: below(7) }, () =>
    pick([() => pick(NUMBERS), () => pick(TEXTS), () => chance(0.5)])(),
  )
  const whole = chance(0.2) ? tunnel() : message(pick(TYPES), ...parts)
  if (chance(0.6)) return whole
  // Cut short, or with a byte that is another one.
  if (chance(0.5)) return whole.subarray(0, 1 + below(whole.length))
  whole[below(whole.length)] = pick([...bytes(4)])
  return whole
}

function memory(): number {
  const status = readFileSync(`/proc/${stage.gateway.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

const MESSAGES = Number(process.env.SSH_FUZZ ?? 6_000)

test.each([
  ['before login', false],
  ['after login', true],
])(
  '%s',
  async (_, entered) => {
    const before = memory()
    let sent = 0
    while (sent < MESSAGES / 2) {
      let raw: RawClient
      try {
        raw = await rawClient(stage.gateway.port, 'web-1', entered ? password : undefined)
      } catch {
        continue // its greeting met a full house
      }
      if (entered) {
        send(raw.client, message(90, 'session', 0, 2_097_152, 32_768))
        if (chance(0.5)) send(raw.client, message(98, 0, 'exec', true, 'true'))
      }
      for (let n = 0; n < 60 && !raw.socket.destroyed; n += 1) {
        send(raw.client, broken())
        sent += 1
        if (n % 5 === 0) await new Promise(resolve => setImmediate(resolve))
      }
      raw.socket.destroy()
      await raw.closed
    }
    expect(stage.gateway.log()).not.toContain('process.un')
    expect((await stage.ssh(['web-1@127.0.0.1', 'echo served'])).stdout).toBe('served\n')
    const auditor = await stage.token('dora')
    await until(
      'their sessions to end',
      async () =>
        (await stage.gateway.cli(['sessions', '--live', '--json'], auditor)).stdout.trim() === '[]',
    )
    expect(memory() - before).toBeLessThan(200)
  },
  560_000,
)
