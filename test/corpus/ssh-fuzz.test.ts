// Messages that no client sends, sealed as any other: broken ones of every type, at every stage. The process lives,
// nothing escapes a session's own `catch`, and others are served.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ShellStage, startShellStage } from '../e2e/ssh-stage.ts'
import { until } from '../servers/programs.ts'
import { message, type RawClient, rawClient, send } from './ssh-raw.ts'

let stage: ShellStage
let password: string

beforeAll(async () => {
  stage = await startShellStage({ limits: { loginMs: 5_000 } })
  password = await stage.credential()
}, 60_000)
afterAll(() => stage?.stop())

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!
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

function broken(): Buffer {
  const parts = Array.from({ length: Math.floor(Math.random() * 7) }, () =>
    pick([() => pick(NUMBERS), () => pick(TEXTS), () => Math.random() < 0.5])(),
  )
  const whole = message(pick(TYPES), ...parts)
  if (Math.random() < 0.6) return whole
  // Cut short, or with a byte that is another one.
  if (Math.random() < 0.5) return whole.subarray(0, 1 + Math.floor(Math.random() * whole.length))
  whole[Math.floor(Math.random() * whole.length)] = pick([...randomBytes(4)])
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
        if (Math.random() < 0.5) send(raw.client, message(98, 0, 'exec', true, 'true'))
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
      20_000,
    )
    expect(memory() - before).toBeLessThan(200)
  },
  560_000,
)
