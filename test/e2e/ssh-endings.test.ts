// What runs when a session has to end: a shell, files and a tunnel at once, ended by a policy and by the end of the gateway.
// Each client is told or cut off in time, nothing goes on at the host, and the record says once what became of each.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../servers/ports.ts'
import { cleanEnvironment, type Ran, until, within } from '../servers/programs.ts'
import { RawFiles } from './raw-files.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

const HOST = 'web-1@127.0.0.1'
let stage: ShellStage
let echo: Server
let port: number
/** One for all: each comes in anew. */
let credential: string
const left: { kill(signal: 'SIGKILL'): unknown }[] = []

beforeAll(async () => {
  echo = createServer(socket => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  port = await freePort()
  await new Promise<void>(resolve => void echo.listen(port, '127.0.0.1', resolve))
  const all = `@id("all") permit (principal, action in [Action::"read", Action::"write", Action::"tunnel"], resource in Resource::"web-1");`
  stage = await startShellStage({}, all)
  credential = await stage.credential()
})
afterAll(async () => {
  for (const child of left) child.kill('SIGKILL')
  echo?.close()
  await stage?.stop()
})

interface Running {
  readonly shell: Promise<Ran>
  readonly files: RawFiles
  readonly tunnel: ChildProcess
  /** By the tunnel, to the echo. */
  readonly socket: Socket
  /** Grows for as long as the shell runs at the host. */
  readonly beat: string
}

/** Three sessions, each in the middle of something. */
async function start(name: string): Promise<Running> {
  await until(
    'to be let in',
    async () =>
      (await stage.ssh([HOST, 'true'], { env: stage.environment(credential) })).code === 0,
  )
  const beat = join(stage.folder, name)
  const shell = stage.ssh(['-tt', HOST], {
    env: stage.environment(credential),
    input: `while sleep 0.1; do echo tick >> ${beat}; done\n`,
  })
  const files = await RawFiles.open(stage.gateway.port, 'web-1', credential)
  await files.greet()
  const local = await freePort()
  const args = ['-N', '-p', String(stage.gateway.port), '-L', `${local}:localhost:${port}`, HOST]
  const tunnel = spawn('ssh', [...stage.options(), ...args], {
    env: cleanEnvironment(stage.environment(credential)),
    stdio: 'ignore',
  })
  left.push(tunnel)
  let socket: Socket | undefined
  await until('the tunnel', async () => {
    socket = connect(local, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('one')
    return new Promise<boolean>(resolve => {
      socket?.once('data', () => resolve(true))
      socket?.once('close', () => resolve(false))
    })
  })
  if (socket === undefined) throw new Error('there is no tunnel')
  await until('the shell', () => existsSync(beat))
  return { shell, files, tunnel, socket, beat }
}

/** What is left of them after they had to end; `asked`: when. */
async function ended({ shell, files, socket, beat }: Running, asked: number) {
  const closed = new Promise<void>(resolve => {
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })
  const [ran] = await Promise.all([shell, files.over(), closed])
  const took = Date.now() - asked
  // The host ends it in its own time.
  await until('the shell at the host to end', async () => {
    const { size } = statSync(beat)
    await new Promise(resolve => setTimeout(resolve, 400))
    return statSync(beat).size === size
  })
  return { ran, said: files.said, took }
}

/** The three newest, once they have ended. */
async function newestEnded() {
  const auditor = await stage.token('dora')
  let newest: { id: string; endedAt?: number; closeReason?: string }[] = []
  await until('their ends', async () => {
    const listed = await stage.gateway.cli(['sessions', '--limit', '3', '--json'], auditor)
    newest = JSON.parse(listed.stdout)
    return newest.every(({ endedAt }) => endedAt !== undefined)
  })
  return newest
}

/** Why each of them ended, and the outcomes of each of its statements. */
async function onRecord() {
  const auditor = await stage.token('dora')
  return Promise.all(
    (await newestEnded()).map(async ({ id, closeReason }) => {
      const replay = await stage.gateway.cli(['session', 'replay', id, '--json'], auditor)
      const events: {
        kind: string
        entry?: number
        text?: string
        effect?: string
        status?: string
      }[] = JSON.parse(replay.stdout)
      const asked = events.filter(({ kind, effect }) => kind === 'statement' && effect === 'permit')
      return {
        closeReason,
        outcomes: asked.map(({ entry, text }) => [
          text?.replace(/ \S+:\d+$/, ''),
          ...events
            .filter(each => each.kind === 'outcome' && each.entry === entry)
            .map(({ status }) => status),
        ]),
      }
    }),
  )
}

const all = (closeReason: string) =>
  ['<sftp>', '<shell>', '<tunnel> direct-tcpip'].map(text => ({
    closeReason,
    outcomes: [[text, 'cancelled']],
  }))
const sorted = (recorded: Awaited<ReturnType<typeof onRecord>>) =>
  recorded.sort((a, b) => String(a.outcomes[0]).localeCompare(String(b.outcomes[0])))

test('a policy that lets nobody in any more ends all that runs, within two seconds', async () => {
  const running = await start('by-policy')
  const asked = Date.now()
  stage.gateway.writePolicies({
    'more.cedar': `@id("closed") forbid (principal, action == Action::"connect", resource in Resource::"web-1");`,
  })
  try {
    const { ran, said, took } = await ended(running, asked)
    // Two seconds, and what the gateway takes to see that the file changed.
    within(5_000, took)
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain('the policies no longer permit it')
    expect(said).toContain('the policies no longer permit it')
    expect(sorted(await onRecord())).toEqual(all('policy_changed'))
  } finally {
    stage.gateway.writePolicies({ 'more.cedar': '' })
  }
})

test('a gateway that stops ends all that runs, says why, and leaves nothing open on record', async () => {
  const running = await start('by-stop')
  const asked = Date.now()
  const stopped = stage.gateway.stop()
  const { ran, said, took } = await ended(running, asked)
  expect(await stopped).toBe(0)
  within(8_000, took)
  expect(ran.code).toBe(77)
  expect(ran.stderr).toContain('the gateway is shutting down')
  expect(said).toContain('the gateway is shutting down')
  const verified = await stage.gateway.cli(['audit', 'verify', '--data', stage.gateway.data])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  await stage.gateway.start()
  expect(sorted(await onRecord())).toEqual(all('shutdown'))
})

test('one that is gone at once leaves nothing running at the host, and its sessions on record as failed', async () => {
  const running = await start('by-kill')
  const asked = Date.now()
  await stage.gateway.kill()
  const { ran, took } = await ended(running, asked)
  within(4_000, took)
  expect(ran.code).toBe(255)
  await stage.gateway.start()
  const reasons = (await newestEnded()).map(({ closeReason }) => closeReason)
  expect(reasons).toEqual(['failed', 'failed', 'failed'])
})
