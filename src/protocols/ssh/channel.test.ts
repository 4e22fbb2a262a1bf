import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import type { Session as Ssh2Session } from 'ssh2'
import { expect, it } from 'vitest'
import type { Outcome, Permit, Session } from '#gateway'
import type { SessionId } from '#model'
import type { Backend } from './backend.ts'
import { SessionChannel } from './channel.ts'
import type { SshSettings } from './settings.ts'
import type { Lent } from './tunnels/lent.ts'
import type { UpstreamLogin } from './upstream.ts'

it('a command whose session ends between its permit and its start is not asked of the host', async () => {
  const ending = new AbortController()
  const outcomes: Outcome[] = []
  const asked: unknown[] = []
  const session = {
    id: 's-1' as SessionId,
    signal: ending.signal,
    authorize: async () => {
      queueMicrotask(() => ending.abort('ended_by_operator'))
      return {} as Permit
    },
    complete: (_: Permit, outcome: Outcome) => void outcomes.push(outcome),
    catchUp: () => {},
  } as unknown as Session<SshSettings>
  const host = new Proxy({}, { get: (_, name) => void asked.push(name) })
  const upstream = { client: host, startMs: 1_000 } as unknown as UpstreamLogin
  const lent = {
    lend: async () => ({ agent: false, display: undefined, end: () => {} }),
  } as unknown as Lent
  const client = new EventEmitter()
  const backend: Promise<Backend> = Promise.resolve({ session, upstream, login: 'deploy' })
  const stream = Object.assign(new PassThrough(), { stderr: new PassThrough(), exit: () => {} })
  const channel = new SessionChannel(
    client as unknown as Ssh2Session,
    backend,
    () => undefined,
    lent,
    () => {},
  )
  client.emit(
    'exec',
    () => stream,
    () => {},
    { command: 'reboot' },
  )
  await new Promise(setImmediate)
  channel.gone()
  await channel.done
  expect(asked).toEqual([])
  expect(outcomes).toMatchObject([{ errorCode: 'not_started' }])
})
