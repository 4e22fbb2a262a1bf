// Tunnels and the rest of the channels, by unmodified clients against a real sshd: each a decision of its own, on record
// with what went through it, and ended with the policy that permitted it.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../servers/ports.ts'
import { cleanEnvironment, run, until, within } from '../servers/programs.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

const HOST = 'web-1@127.0.0.1'
let stage: ShellStage
/** Says back what it hears, in upper case, and ends when the other side does. */
let echo: Server
let port: number
let socketPath: string
const clients: ChildProcess[] = []

const POLICY = (open: number) => `
@id("tunnel-to-echo")
permit (principal, action == Action::"tunnel", resource)
when {
  resource in Resource::"web-1" && context has tunnel &&
  context.tunnel.kind == "tcp" && context.tunnel.direction == "out" &&
  context.tunnel.host == "localhost" && context.tunnel.port == ${open}
};
@id("sockets") permit (principal, action == Action::"tunnel", resource)
when { resource in Resource::"web-1" && resource is Object && resource.name like "*/sallyport-shell-*/open.sock" };
@id("listens") permit (principal, action == Action::"tunnel", resource)
when { resource in Resource::"web-1" && resource is Object && resource.name like "<listen>/localhost:*" };
@id("itself") permit (principal, action == Action::"tunnel", resource == Object::"web-1/<host>");
@id("agent") permit (principal, action == Action::"tunnel", resource == Object::"web-1/<agent>");
`

beforeAll(async () => {
  echo = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => void socket.write(String(chunk).toUpperCase()))
    socket.on('end', () => socket.end())
  })
  port = await freePort()
  await new Promise<void>(resolve => void echo.listen(port, '127.0.0.1', resolve))
  stage = await startShellStage()
  stage.gateway.writePolicies({ 'tunnels.cedar': POLICY(port) })
  socketPath = join(stage.folder, 'open.sock')
})
afterAll(async () => {
  for (const child of clients) child.kill('SIGKILL')
  echo?.close()
  await stage?.stop()
})

/** ssh in the background, for its tunnels alone; its words on standard error. */
async function open(args: readonly string[]): Promise<{ child: ChildProcess; said: () => string }> {
  const env = cleanEnvironment(stage.environment(await stage.credential()))
  const given = [...stage.options(), '-p', String(stage.gateway.port), ...args, HOST]
  const child = spawn('ssh', ['-N', '-v', '-o', 'LogLevel=DEBUG', ...given], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  clients.push(child)
  let said = ''
  child.stderr?.on('data', chunk => {
    said += chunk
  })
  const ready = () => said.includes('Entering interactive session') || child.exitCode !== null
  await until('its tunnels', ready)
  return { child, said: () => said }
}

/** Says it, says that this is all, and hears the rest. */
function say(to: number | string, text: string | Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to)
    const heard: Buffer[] = []
    socket.on('data', (chunk: Buffer) => void heard.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(heard)))
    socket.end(text)
  })
}

/** The newest session's recording, once it tells what is looked for. */
async function replayed(what: string): Promise<string> {
  const auditor = await stage.token('dora')
  let text = ''
  await until(`the record of ${what}`, async () => {
    const listed = await stage.gateway.cli(['sessions', '--json'], auditor)
    const [newest]: { id: string }[] = JSON.parse(listed.stdout)
    text = (await stage.gateway.cli(['session', 'replay', newest?.id ?? ''], auditor)).stdout
    return text.includes(what)
  })
  return text
}

describe('to an address behind the host', () => {
  test('-L carries what is said, to its end, and the other half after it', async () => {
    const local = await freePort()
    const { child } = await open(['-L', `${local}:127.0.0.1:${port}`])
    expect(String(await say(local, 'hello'))).toBe('HELLO')
    const large = randomBytes(3_000_000).toString('hex')
    const back = await say(local, large)
    const sum = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex')
    expect(sum(back)).toBe(sum(large.toUpperCase()))
    child.kill()
    const record = await replayed('6000000')
    expect(record).toContain(`<tunnel> direct-tcpip localhost:${port}`)
  })

  test('each channel is judged: a second -L of the same session, to elsewhere, is refused in words', async () => {
    const [here, there] = [await freePort(), await freePort()]
    const { said } = await open([
      ...['-L', `${here}:localhost:${port}`],
      ...['-L', `${there}:127.0.0.1:${stage.sshd.port}`],
    ])
    expect(String(await say(there, 'x').catch(() => ''))).toBe('')
    await until('the refusal', () => said().includes('administratively prohibited'))
    expect(said()).toContain('reason: no_permit')
    expect(String(await say(here, 'still'))).toBe('STILL')
  })

  test('-D and -W go where a policy says, and nowhere else', async () => {
    const proxy = await freePort()
    const { said } = await open(['-D', `127.0.0.1:${proxy}`])
    const curl = (to: number) =>
      run('curl', [
        '-s',
        '-m',
        '5',
        '--socks5-hostname',
        `127.0.0.1:${proxy}`,
        `http://localhost:${to}/`,
      ])
    // It says our request back: no answer of HTTP 1, but one that came.
    expect((await curl(port)).code).not.toBe(97)
    expect((await curl(stage.sshd.port)).code).toBe(97)
    expect(said()).toContain('reason: no_permit')
    const direct = await stage.ssh(['-W', `localhost:${port}`, HOST], { input: 'through' })
    expect(direct.stdout, direct.stderr).toBe('THROUGH')
    const elsewhere = await stage.ssh(['-v', '-W', '169.254.169.254:80', HOST])
    expect(elsewhere.code).toBe(255)
    expect(elsewhere.stderr).toContain('reason: no_permit')
  })

  test('a host that opens nothing there is told apart from a refusal', async () => {
    const ran = await stage.ssh(['-v', '-W', `localhost:${port}`, HOST], {
      env: {},
    })
    expect(ran.code).toBe(0)
    echo.close()
    const gone = await stage.ssh(['-v', '-W', `localhost:${port}`, HOST])
    await new Promise<void>(resolve => void echo.listen(port, '127.0.0.1', resolve))
    expect(gone.code).toBe(255)
    expect(gone.stderr).toContain('connect failed')
    expect(gone.stderr).toContain('reason: upstream_refused')
  })
})

describe('from the host', () => {
  test('-R listens where a policy says, and brings what comes there to the client', async () => {
    const { child, said } = await open(['-R', `0:127.0.0.1:${port}`])
    await until('the port', () => /Allocated port \d+/.test(said()))
    const [, remote] = /Allocated port (\d+)/.exec(said()) ?? []
    expect(String(await say(Number(remote), 'back'))).toBe('BACK')
    child.kill()
    expect(await replayed('forwarded-tcpip')).toContain('<tunnel> tcpip-forward localhost:0')
    await until('the host to listen no more', () =>
      say(Number(remote), '').then(
        () => false,
        () => true,
      ),
    )
  })

  test('-R on every address of the host is another thing, and refused', async () => {
    for (const bind of ['0.0.0.0', '*', '::', '']) {
      const forward = bind.includes(':') ? `[${bind}]:0` : `${bind}:0`
      const ran = await stage.ssh([
        ...['-o', 'ExitOnForwardFailure=yes', '-R', `${forward}:127.0.0.1:${port}`],
        ...['-N', HOST],
      ])
      expect(ran.code, bind).toBe(255)
    }
    expect(await replayed('tcpip-forward 0.0.0.0:0')).toContain('deny')
  })
})

describe('sockets', () => {
  test('-L to a socket of the host, by its path; no other path', async () => {
    const remote = createServer(socket => socket.on('error', () => {}).pipe(socket))
    await new Promise<void>(resolve => void remote.listen(socketPath, resolve))
    const here = join(stage.folder, 'here.sock')
    const wrong = join(stage.folder, 'wrong.sock')
    const { said } = await open(['-L', `${here}:${socketPath}`, '-L', `${wrong}:/run/docker.sock`])
    expect(String(await say(here, 'by a path'))).toBe('by a path')
    expect(String(await say(wrong, 'x').catch(() => ''))).toBe('')
    await until('the refusal', () => said().includes('reason: no_permit'))
    remote.close()
  })
})

describe('what a client lends', () => {
  test('its agent, where a policy permits, for as long as the session lasts', async () => {
    const agent = join(stage.folder, 'agent.sock')
    const child = spawn('ssh-agent', ['-D', '-a', agent], { stdio: 'ignore' })
    clients.push(child)
    await until('the agent', () => existsSync(agent))
    const env = { SSH_AUTH_SOCK: agent }
    const ran = await stage.ssh(['-A', HOST, 'ssh-add -l'], { env })
    expect(ran.stdout, ran.stderr).toContain('no identities')
    expect(await replayed('<tunnel> auth-agent-req')).toMatch(/<tunnel> auth-agent\b/)
    // Not lent: not there.
    expect((await stage.ssh(['-a', HOST, 'ssh-add -l'], { env })).code).toBe(2)
  })

  test('its display is refused in words where none permits it, and the command runs all the same', async () => {
    const env = { DISPLAY: '127.0.0.1:77' }
    const ran = await stage.ssh(['-Y', HOST, 'echo "[$DISPLAY]"'], { env })
    expect(ran.stdout).toBe('[]\n')
    expect(ran.stderr).toContain('reason: no_permit')
  })
})

describe('ssh -J', () => {
  test('to the resource itself is a tunnel to it, with keys of the client, if a policy permits that', async () => {
    const config = join(stage.folder, 'config')
    const { port: ours } = stage.gateway
    writeFileSync(
      config,
      `Host gate\n HostName 127.0.0.1\n Port ${ours}\n User web-1\n NumberOfPasswordPrompts 1\n` +
        `Host web-1\n ProxyJump gate\n User ${stage.sshd.user}\n IdentityFile ${stage.sshd.key}\n` +
        `Host *\n StrictHostKeyChecking no\n LogLevel INFO\n UserKnownHostsFile ${join(stage.folder, 'jump_hosts')}\n`,
    )
    const env = stage.environment(await stage.credential())
    const ran = await run('ssh', ['-F', config, 'web-1', 'echo by itself'], { env })
    expect(ran.stdout, ran.stderr).toBe('by itself\n')
    expect(await replayed('<tunnel> jump')).not.toContain('by itself')
    const other = await run('ssh', ['-F', config, '-J', 'gate', 'db-2', 'id'], { env })
    expect(other.code).toBe(255)
    expect(other.stderr).toContain('ssh db-2@')
  })
})

describe('a policy that is withdrawn', () => {
  test('ends a tunnel within two seconds, and a port that the host listens on', async () => {
    const local = await freePort()
    const { said } = await open(['-L', `${local}:localhost:${port}`, '-R', `0:127.0.0.1:${port}`])
    await until('the port', () => /Allocated port \d+/.test(said()))
    const remote = Number(/Allocated port (\d+)/.exec(said())?.[1])
    const socket = connect(local, '127.0.0.1')
    const closed = new Promise<number>(
      resolve => void socket.once('close', () => resolve(Date.now())),
    )
    socket.on('error', () => {})
    socket.write('one')
    await new Promise<void>(resolve => void socket.once('data', () => resolve()))
    stage.gateway.writePolicies({ 'tunnels.cedar': '' })
    const asked = Date.now()
    within(4_000, (await closed) - asked)
    await until('the host to listen no more', () =>
      say(remote, '').then(
        () => false,
        () => true,
      ),
    )
    expect(await replayed('not_permitted')).toContain('direct-tcpip')
  })
})
