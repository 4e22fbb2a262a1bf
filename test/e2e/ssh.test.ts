// Shells and commands through the gateway, by unmodified clients against a real sshd.

import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, until, within } from '../servers/programs.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

let stage: ShellStage
const host = 'web-1@127.0.0.1'

beforeAll(async () => {
  stage = await startShellStage({ limits: { loginMs: 3_000 } })
})
afterAll(() => stage?.stop())

const requests = async () => {
  const listed = await stage.gateway.cli(['requests', '--json'], await stage.token('dora'))
  return JSON.parse(listed.stdout) as { id: string; state: string; statement: string }[]
}

describe('OpenSSH', () => {
  test('runs a command: its output, its errors, its status', async () => {
    const ran = await stage.ssh([host, 'echo out; echo err >&2; exit 7'])
    expect(ran).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' })
    expect((await stage.ssh([host, 'kill -TERM $$'])).code).toBe(255)
  })

  test('passes what is typed on, to its end', async () => {
    const ran = await stage.ssh([host, 'wc -c'], { input: 'x'.repeat(100_000) })
    expect(ran.stdout.trim()).toBe('100000')
  })

  test('runs a login shell, with a terminal and without', async () => {
    const plain = await stage.ssh(['-T', host], { input: 'echo from a shell\nexit 5\n' })
    expect(plain.code).toBe(5)
    expect(plain.stdout).toContain('from a shell')
    const terminal = await stage.ssh(['-tt', host, 'tty && printf "%s\\n" "$TERM"'], {
      env: { TERM: 'xterm-256color' },
    })
    expect(terminal.stdout).toMatch(/\/dev\/pts\/\d+\r\nxterm-256color\r\n/)
  })

  test('passes on the variables of the list, and no other', async () => {
    const args = ['-o', 'SendEnv=LC_ALL LD_PRELOAD GIT_SSH', host, 'env']
    const env = { LC_ALL: 'C.UTF-8', LD_PRELOAD: '', GIT_SSH: 'x' }
    const ran = await stage.ssh(args, { env })
    expect(ran.stdout).toContain('LC_ALL=C.UTF-8')
    expect(ran.stdout).not.toMatch(/LD_PRELOAD|GIT_SSH/)
  })

  test('moves megabytes both ways unchanged', async () => {
    const file = join(stage.folder, 'large')
    writeFileSync(file, randomBytes(8_000_000).toString('base64'))
    const sum = createHash('sha256').update(readFileSync(file)).digest('hex')
    const up = await stage.ssh([host, 'sha256sum'], { input: readFileSync(file) })
    expect(up.stdout).toContain(sum)
    const down = await stage.ssh([host, `cat ${file}`])
    expect(createHash('sha256').update(down.stdout).digest('hex')).toBe(sum)
  })

  test('shares one connection between ten channels', async () => {
    const control = join(stage.folder, 'control')
    const master = ['-o', 'ControlMaster=auto', '-o', `ControlPath=${control}`]
    const first = await stage.ssh([...master, '-o', 'ControlPersist=20', host, 'true'])
    expect(first.code).toBe(0)
    const ran = await Promise.all(
      Array.from({ length: 10 }, (_, n) => stage.ssh([...master, host, `echo ${n}`])),
    )
    expect(ran.map(({ stdout }) => stdout.trim())).toEqual([...'0123456789'])
    await stage.ssh([...master, '-O', 'exit', host])
  })
})

describe('other programs', () => {
  const shell = () => ['ssh', ...stage.options(), '-p', String(stage.gateway.port)].join(' ')

  test('scp in its old protocol copies there and back', async () => {
    const env = stage.environment(await stage.credential())
    const [here, there, back] = ['a', 'b', 'c'].map(name => join(stage.folder, `scp-${name}`))
    writeFileSync(here!, 'a file\n')
    const args = ['-O', ...stage.options(), '-P', String(stage.gateway.port)]
    expect(await run('scp', [...args, here!, `${host}:${there}`], { env })).toMatchObject({
      code: 0,
    })
    expect(await run('scp', [...args, `${host}:${there}`, back!], { env })).toMatchObject({
      code: 0,
    })
    expect(readFileSync(back!, 'utf8')).toBe('a file\n')
  })

  test('rsync copies a tree', async () => {
    const [from, to] = [join(stage.folder, 'tree'), join(stage.folder, 'copy')]
    mkdirSync(join(from, 'deep'), { recursive: true })
    for (let n = 0; n < 30; n += 1) writeFileSync(join(from, 'deep', `${n}`), randomBytes(10_000))
    const env = { ...stage.environment(await stage.credential()), RSYNC_RSH: shell() }
    const ran = await run('rsync', ['-a', `${from}/`, `${host}:${to}/`], { env })
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(readFileSync(join(to, 'deep', '29'))).toEqual(readFileSync(join(from, 'deep', '29')))
  })

  test('git clones, commits and pushes', async () => {
    const [bare, clone] = [join(stage.folder, 'r.git'), join(stage.folder, 'clone')]
    const env = { ...stage.environment(await stage.credential()), GIT_SSH_COMMAND: shell() }
    const git = (args: string[], cwd = stage.folder) =>
      run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { env, cwd })
    await git(['init', '-q', '--bare', bare])
    expect(await git(['clone', '-q', `${host}:${bare}`, clone])).toMatchObject({ code: 0 })
    writeFileSync(join(clone, 'file'), 'text\n')
    await git(['add', '.'], clone)
    await git(['commit', '-q', '-m', 'first'], clone)
    const pushed = await git(['push', '-q', 'origin', 'HEAD:main'], clone)
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 })
    expect((await git(['log', '--oneline', 'main'], bare)).stdout).toContain('first')
  })

  test('PuTTY, Dropbear and paramiko run a command', async () => {
    const password = await stage.credential()
    const port = String(stage.gateway.port)
    const plink = ['-batch', '-ssh', '-P', port, '-pw', password, '-hostkey', await fingerprint()]
    const ran = await run('plink', [...plink, host, 'echo putty'])
    expect(ran.stdout, ran.stderr).toBe('putty\n')
    const bear = await run('dbclient', ['-y', '-y', '-p', port, host, 'echo dropbear'], {
      env: { DROPBEAR_PASSWORD: password },
    })
    expect(bear.stdout, bear.stderr).toBe('dropbear\n')
    const script = `
import os, paramiko
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect('127.0.0.1', ${port}, 'web-1', os.environ['TEST_PASSWORD'], look_for_keys=False, allow_agent=False)
_, out, _ = client.exec_command('echo paramiko')
print(out.read().decode(), end='')
client.close()
`
    const python = await run('/usr/bin/python3', ['-c', script], {
      env: { TEST_PASSWORD: password },
    })
    expect(python.stdout, python.stderr).toBe('paramiko\n')
  })

  test('sallyport connect needs no password', async () => {
    const token = await stage.token('order-bot')
    const ran = await stage.gateway.cli(['connect', 'web-1', '--', 'ssh', 'echo', 'inside'], token)
    expect(ran.stdout, ran.stderr).toBe('inside\n')
  })
})

describe('the gate', () => {
  test('refuses in words, with a status of its own, and the command does not run', async () => {
    const file = join(stage.folder, 'kept')
    writeFileSync(file, '')
    const ran = await stage.ssh([host, `rm ${file}`])
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain('sallyport: files are not deleted here')
    expect(ran.stderr).toContain('policies: nobody-deletes')
    expect(ran.stderr).toContain('reason: forbidden')
    expect(existsSync(file)).toBe(true)
  })

  test('masks what detectors find, on both streams, across every piece', async () => {
    const ran = await stage.ssh([
      host,
      'echo some; sleep 0.1; echo a.person@example.com; echo b@example.com >&2',
    ])
    expect(ran.stdout).toBe('some\n⟦m:email⟧\n')
    expect(ran.stderr).toBe('⟦m:email⟧\n')
  })

  test('holds a command until a person says yes, and tells so meanwhile', async () => {
    let heard = ''
    const running = stage.ssh([host, 'restart now'], {
      hear: piece => {
        heard += piece
      },
    })
    await until('the request', async () =>
      (await requests()).some(each => each.state === 'pending'),
    )
    await until('the notice', () => heard.includes('sallyport:'))
    const [request] = (await requests()).filter(each => each.state === 'pending')
    expect(request?.statement).toBe('restart now')
    await stage.gateway.cli(['approve', request?.id ?? ''], await stage.token('dora'))
    // It was let through: that there is no such program is the host's own answer.
    const ran = await running
    expect(ran.code).toBe(127)
    expect(ran.stderr).toMatch(/restart/)
  })

  test('a no ends it with the words of whoever said it', async () => {
    const running = stage.ssh([host, 'restart later'])
    let id = ''
    await until('the request', async () => {
      id = (await requests()).find(each => each.statement === 'restart later')?.id ?? ''
      return id !== ''
    })
    await stage.gateway.cli(['deny', id, '--reason', 'not today'], await stage.token('dora'))
    const ran = await running
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain('not today')
  })

  test('a yes is for the very words: other arguments wait again', async () => {
    const running = stage.ssh([host, 'restart nginx'])
    let id = ''
    await until('the request', async () => {
      id = (await requests()).find(each => each.statement === 'restart nginx')?.id ?? ''
      return id !== ''
    })
    const other = stage.ssh([host, 'restart postgres'])
    await stage.gateway.cli(['approve', id], await stage.token('dora'))
    expect((await running).code).toBe(127)
    await until('another request', async () =>
      (await requests()).some(
        each => each.statement === 'restart postgres' && each.state === 'pending',
      ),
    )
    const left = (await requests()).find(each => each.statement === 'restart postgres')
    await stage.gateway.cli(['deny', left?.id ?? ''], await stage.token('dora'))
    expect((await other).code).toBe(77)
  })

  test('records what the principal saw', async () => {
    await stage.ssh([host, "echo for the record; echo c@'example.com'"])
    const auditor = await stage.token('dora')
    let replayed = ''
    await until('the session to be closed', async () => {
      const listed = await stage.gateway.cli(['sessions', '--json'], auditor)
      const sessions: { id: string; endedAt?: number }[] = JSON.parse(listed.stdout)
      const id = sessions[0]?.endedAt === undefined ? undefined : sessions[0].id
      if (id === undefined) return false
      replayed = (await stage.gateway.cli(['session', 'replay', id], auditor)).stdout
      return replayed.includes('for the record')
    })
    expect(replayed).toContain('⟦m:email⟧')
    expect(replayed).not.toContain('c@example.com')
  })

  test('gives what a terminal showed as an asciicast, masked as it was', async () => {
    const input =
      "stty -echo; stty cols 91 rows 21; echo on the 'record'; echo d@'example.com'; exit 3\n"
    const ran = await stage.ssh(['-tt', host], { input, env: { TERM: 'xterm' } })
    expect(ran.code).toBe(3)
    const auditor = await stage.token('dora')
    let lines: unknown[] = []
    await until('the exit to be on record', async () => {
      const listed = await stage.gateway.cli(['sessions', '--json'], auditor)
      const [newest]: { id: string }[] = JSON.parse(listed.stdout)
      const cast = await stage.gateway.cli(
        ['session', 'replay', newest?.id ?? '', '--cast'],
        auditor,
      )
      if (cast.code !== 0) return false
      lines = cast.stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
      return String(lines.at(-1)).includes('x')
    })
    expect(lines[0]).toMatchObject({ version: 3, title: '<shell>', term: { type: 'xterm' } })
    expect(lines.at(-1)).toEqual([expect.any(Number), 'x', '3'])
    const shown = (lines.slice(1) as [number, string, string][])
      .flatMap(([, code, data]) => (code === 'o' ? data : []))
      .join('')
    expect(shown).toContain('on the record')
    expect(shown).toContain('⟦m:email⟧')
    expect(shown).not.toContain('d@example.com')
  })

  test('keeps what is typed where the resource says so: what was shown back, apart, and for auditors alone', async () => {
    const prompt = '[#$] $'
    const steps = [
      { expect: prompt },
      { send: 'echo one\r' },
      { expect: `one\r\n(?s:.*)${prompt}` },
      { send: 'read -s -p "Secret: " it; echo; echo "$it" | wc -c\r' },
      { expect: 'Secret: $' },
      { send: 'hunter2\r' },
      { expect: `8\r\n(?s:.*)${prompt}` },
      { send: 'exit\r' },
      { wait: 1 },
    ]
    const env = stage.environment(await stage.credential('order-bot', 'desk'))
    const ssh = ['ssh', '-tt', ...stage.options(), '-p', String(stage.gateway.port)]
    const play = [join(import.meta.dirname, 'terminal.py'), JSON.stringify(steps)]
    const ran = await run('/usr/bin/python3', [...play, ...ssh, 'desk@127.0.0.1'], {
      env,
    })
    expect(ran.stderr).toBe('')
    const [auditor, agent] = [await stage.token('dora'), await stage.token('order-bot')]
    const [newest] = JSON.parse((await stage.gateway.cli(['sessions', '--json'], auditor)).stdout)
    const replay = ['session', 'replay', newest?.id ?? '']
    const input = await stage.gateway.cli([...replay, '--input', '--json'], auditor)
    const pieces: { text?: string }[] = JSON.parse(input.stdout)
    const lines = pieces.map(({ text }) => text ?? '(withheld)').join('')
    expect(lines).toContain('echo one\r')
    expect(lines).toContain('echo "$it" | wc -c\r(withheld)exit\r')
    expect(input.stdout).not.toContain('hunter2')

    const cast = await stage.gateway.cli([...replay, '--cast', '--input'], auditor)
    expect(cast.stdout).toMatch(/\[[\d.]+,"i","e/)
    expect(cast.stdout).toContain('"m","typed, and not shown"')
    expect(cast.stdout).not.toContain('hunter2')
    const plain = await stage.gateway.cli([...replay, '--cast'], auditor)
    expect(plain.stdout).not.toMatch(/^\[[\d.]+,"i"/m)

    for (const asked of [['--input'], ['--cast', '--input']]) {
      const own = await stage.gateway.cli([...replay, ...asked], agent)
      expect(own.code).not.toBe(0)
      expect(own.stderr).toContain('console:audit')
    }
    expect((await stage.gateway.cli([...replay, '--cast'], agent)).code).toBe(0)
    const verified = await stage.gateway.cli([
      'audit',
      'verify',
      '--json',
      '--data',
      stage.gateway.data,
    ])
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, problems: [] })
  })

  test('what a command is sent without a terminal is never kept', async () => {
    const env = stage.environment(await stage.credential('order-bot', 'desk'))
    const ran = await stage.ssh(['desk@127.0.0.1', 'cat'], { input: 'hunter2\n', env })
    expect(ran.stdout).toBe('hunter2\n')
    const auditor = await stage.token('dora')
    const [newest] = JSON.parse((await stage.gateway.cli(['sessions', '--json'], auditor)).stdout)
    const told = await stage.gateway.cli(
      ['session', 'replay', newest?.id ?? '', '--input'],
      auditor,
    )
    expect(told.stdout).toContain('Nothing that was typed is kept of it.')
  })

  test('tells what was typed in a shell as far as its screen tells, and that this is no evidence', async () => {
    const prompt = '[#$] $'
    const steps = [
      { expect: prompt },
      { send: 'echo one\r' },
      { expect: `one\r\n(?s:.*)${prompt}` },
      { send: 'id -u | cat\r' },
      { expect: `\\d\r\n(?s:.*)${prompt}` },
      { send: 'exit\r' },
      { wait: 1 },
    ]
    const env = stage.environment(await stage.credential())
    const client = ['ssh', '-tt', ...stage.options(), '-p', String(stage.gateway.port), host]
    const ran = await run(
      '/usr/bin/python3',
      [join(import.meta.dirname, 'terminal.py'), JSON.stringify(steps), ...client],
      { env },
    )
    expect(ran.stderr).toBe('')
    const auditor = await stage.token('dora')
    const [newest] = JSON.parse((await stage.gateway.cli(['sessions', '--json'], auditor)).stdout)
    const told = await stage.gateway.cli(
      ['session', 'replay', newest?.id ?? '', '--commands', '--json'],
      auditor,
    )
    const { about, commands } = JSON.parse(told.stdout)
    expect(about).toBe('as read from the screen; not evidence')
    expect(commands.map(({ text }: { text: string }) => text)).toEqual([
      'echo one',
      'id -u | cat',
      'exit',
    ])
  })

  test('ends a running command within two seconds when its session is ended', async () => {
    const running = stage.ssh([host, 'sleep 60'])
    const auditor = await stage.token('dora')
    let id = ''
    await until('the session', async () => {
      const listed = await stage.gateway.cli(['sessions', '--live', '--json'], auditor)
      const live: { id: string; statements: number }[] = JSON.parse(listed.stdout)
      id = live.find(each => each.statements === 1)?.id ?? ''
      return id !== ''
    })
    await stage.gateway.cli(['session', 'end', id], auditor)
    const asked = Date.now()
    const ran = await running
    within(4_000, Date.now() - asked)
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain('ended by an operator')
  })

  test('the recording says once what became of a command, whoever ended it', async () => {
    const auditor = await stage.token('dora')
    const env = { ...process.env, ...stage.environment(await stage.credential()) }
    const sessions = async () => {
      const listed = await stage.gateway.cli(['sessions', '--json', '--limit', '4'], auditor)
      return JSON.parse(listed.stdout) as { id: string; endedAt?: number }[]
    }
    const begin = async (command: string) => {
      const args = [...stage.options(), '-p', String(stage.gateway.port), host, command]
      const client = spawn('ssh', args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
      const over = once(client, 'exit')
      const [said] = await once(client.stdout, 'data')
      return { client, over, pid: Number(said) }
    }
    const long = "sh -c 'echo $$; exec sleep 60'"
    await (await begin('echo begun')).over
    const left = await begin(long)
    left.client.kill('SIGKILL')
    const killed = await begin(long)
    process.kill(killed.pid, 'SIGKILL')
    await Promise.all([left.over, killed.over])
    const ended = await begin(long)
    await stage.gateway.cli(['session', 'end', (await sessions())[0]?.id ?? ''], auditor)
    await ended.over
    let all: { id: string; endedAt?: number }[] = []
    await until('the sessions to have ended', async () => {
      all = await sessions()
      return all.every(each => each.endedAt !== undefined)
    })
    const outcomes = await Promise.all(
      all.map(async ({ id }) => {
        const read = await stage.gateway.cli(['session', 'replay', id, '--json'], auditor)
        const events: { kind: string; status?: string }[] = JSON.parse(read.stdout)
        return events.filter(({ kind }) => kind === 'outcome').map(({ status }) => status)
      }),
    )
    // The newest first.
    expect(outcomes).toEqual([['cancelled'], ['failed'], ['cancelled'], ['completed']])
  })

  test('a shell that runs when a policy forbids it ends within two seconds; what else runs there goes on', async () => {
    const heard = { shell: '', command: '' }
    const hear = (name: keyof typeof heard) => (piece: string) => {
      heard[name] += piece
    }
    const shell = stage.ssh(['-tt', host], {
      input: 'while sleep 0.1; do echo tick; done\n',
      hear: hear('shell'),
    })
    const command = stage.ssh([host, 'sh -c "echo begun; sleep 6; echo done"'], {
      hear: hear('command'),
    })
    await until(
      'both to run',
      () => heard.shell.includes('tick') && heard.command.includes('begun'),
    )
    const asked = Date.now()
    stage.gateway.writePolicies({
      'more.cedar': `@id("no-shells") forbid (principal, action, resource == Object::"web-1/<shell>");`,
    })
    try {
      const ended = await shell
      // Two seconds, and what the gateway takes to see that the file changed.
      within(5_000, Date.now() - asked)
      expect(ended.code).toBe(77)
      expect(ended.stderr).toContain('it was ended: it is no longer permitted')
      expect(await command).toMatchObject({ code: 0, stdout: 'begun\ndone\n' })
    } finally {
      stage.gateway.writePolicies({ 'more.cedar': '' })
    }
  })
})

describe('refused', () => {
  test('a wrong secret, a credential of another resource, no proof at all', async () => {
    const right = await stage.credential()
    for (const password of [
      '',
      'x',
      `${right}x`,
      right.replace(/:.*/, ':'),
      'sp-aaaaaaaaaa:bbbb',
    ]) {
      const ran = await stage.ssh([host, 'id'], { env: stage.environment(password) })
      expect(ran.code, password).toBe(255)
      expect(ran.stderr).toContain('Permission denied')
    }
    const other = await stage.ssh(['impostor@127.0.0.1', 'id'], {
      env: stage.environment(await stage.credential()),
    })
    expect(other.code).toBe(255)
  })

  test('a host whose key is not the pinned one: said, and nothing is sent there', async () => {
    const env = stage.environment(await stage.credential('order-bot', 'impostor'))
    const ran = await stage.ssh(['impostor@127.0.0.1', 'id'], { env })
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain('not one of those pinned')
  })

  test('tunnels, a proxy, remote ports, agent and X11 forwarding, and other subsystems', async () => {
    const forwarded = await stage.ssh(['-W', `127.0.0.1:${stage.sshd.port}`, host])
    expect(forwarded.code).toBe(255)
    expect(forwarded.stdout).toBe('')
    const remote = await stage.ssh([
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      '0:127.0.0.1:22',
      host,
      'true',
    ])
    expect(remote.code).toBe(255)
    const agent = await stage.ssh(['-A', host, 'echo "[$SSH_AUTH_SOCK]"'])
    expect(agent.stdout).toBe('[]\n')
    const subsystem = await stage.ssh(['-s', host, 'netconf'])
    expect(subsystem.code).toBe(77)
    expect(subsystem.stderr).toContain('not served by this version')
  })

  test('a login that the gateway has no credential for', async () => {
    const ran = await stage.ssh([`nobody+${host}`, 'id'])
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain('no credential for nobody')
  })

  test('clients that stop at any step are let go, and others are served meanwhile', async () => {
    const half: Socket[] = []
    const closed: Promise<void>[] = []
    for (let n = 0; n < 200; n += 1) {
      const socket = connect(stage.gateway.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      if (n % 3 === 1) socket.write('SSH-2.0-half')
      if (n % 3 === 2) socket.write('SSH-2.0-half\r\n')
      closed.push(new Promise(resolve => void socket.once('close', () => resolve())))
      half.push(socket)
    }
    expect((await stage.ssh([host, 'echo served'])).stdout).toBe('served\n')
    await Promise.all(closed)
    expect(stage.gateway.alive()).toBe(true)
  })

  test('noise in place of a greeting, a key exchange or a packet', async () => {
    for (let n = 0; n < 300; n += 1) {
      const socket = connect(stage.gateway.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      const noise = randomBytes(Math.ceil(Math.random() * 300))
      socket.end(n % 2 === 0 ? noise : Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), noise]))
      await new Promise(resolve => socket.once('close', resolve))
    }
    expect((await stage.ssh([host, 'echo alive'])).stdout).toBe('alive\n')
  })
})

/** The gateway's own key, as PuTTY wants to be told. */
async function fingerprint(): Promise<string> {
  const file = join(stage.folder, 'known_hosts')
  if (!existsSync(file)) await stage.ssh([host, 'true'])
  const shown = await run('ssh-keygen', ['-lf', file])
  return /SHA256:\S+/.exec(shown.stdout)?.[0] ?? ''
}
